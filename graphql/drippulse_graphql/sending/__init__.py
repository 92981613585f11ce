"""Sending in GraphQL."""
