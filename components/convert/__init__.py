"""The convert stage: records in, corpora that spaCy reads out."""
