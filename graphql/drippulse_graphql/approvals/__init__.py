"""Approvals in GraphQL."""
