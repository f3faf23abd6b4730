"""The train stage: a corpus and a spaCy config in, the best pipeline out."""
