"""Pipelines in GraphQL."""
