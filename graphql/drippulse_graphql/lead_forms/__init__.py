"""Lead forms in GraphQL."""
