"""Notify people that a phase failed, or that its model was held back."""
