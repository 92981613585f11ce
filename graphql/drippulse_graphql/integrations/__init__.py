"""Integrations in GraphQL."""
