"""Turn scores and a decision into pages that people read."""
