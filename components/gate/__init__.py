"""Decide whether a model may go into production, with reasons."""
