"""Imports in GraphQL."""
