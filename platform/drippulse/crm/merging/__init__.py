"""Merging records into one, and taking it back."""
