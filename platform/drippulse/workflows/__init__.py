"""Workflows: step graphs, their immutable versions, their dry runs."""
