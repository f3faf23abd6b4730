"""Turn scores and a verdict into pages that people read."""
