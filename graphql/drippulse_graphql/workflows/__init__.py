"""Workflows in GraphQL."""
