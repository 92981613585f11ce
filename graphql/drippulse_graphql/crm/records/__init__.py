"""What every record type can do, in GraphQL."""
