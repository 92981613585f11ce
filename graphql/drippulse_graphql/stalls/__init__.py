"""Stalls in GraphQL."""
