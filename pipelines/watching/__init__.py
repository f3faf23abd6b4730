"""Watching annotations, and starting a retrain once enough of them are new."""
