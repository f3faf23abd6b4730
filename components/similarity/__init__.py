"""Texts that are almost the same: for the stages that keep them together or apart."""
