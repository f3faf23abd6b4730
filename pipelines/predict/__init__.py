"""Models over many texts: `retrain predict`."""
