"""Changing, deleting and assigning many records with one call."""
