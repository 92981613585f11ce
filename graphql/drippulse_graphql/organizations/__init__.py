"""The caller and its organization in GraphQL."""
