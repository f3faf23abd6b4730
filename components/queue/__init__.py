"""Choose the texts that are worth labelling next."""
