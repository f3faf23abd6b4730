"""What to label next: `retrain queue`."""
