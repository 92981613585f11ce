"""Conversion in GraphQL."""
