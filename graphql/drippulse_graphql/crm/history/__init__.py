"""History in GraphQL."""
