"""The split stage: train, dev and test without leakage, the same from one retrain to the next."""
