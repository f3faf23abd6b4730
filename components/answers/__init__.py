"""What a saved model says of texts that nobody has annotated, in one shape whoever asks."""
