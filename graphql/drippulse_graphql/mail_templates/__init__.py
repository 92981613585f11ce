"""Mail templates in GraphQL."""
