"""Data sources in GraphQL."""
