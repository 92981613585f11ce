"""Projects in GraphQL."""
