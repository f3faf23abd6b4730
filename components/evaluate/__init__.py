"""Score a model on the test documents, and the model in production beside it."""
