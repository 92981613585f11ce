"""CRM records and what belongs to them in GraphQL."""
