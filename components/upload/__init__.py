"""Keep a trained model as a version of a registry, and name the one that is in production."""
