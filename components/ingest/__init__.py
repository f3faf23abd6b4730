"""Annotations in, clean records out: every record is kept, skipped or quarantined, and counted."""
