"""Custom fields in GraphQL."""
