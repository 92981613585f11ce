"""What every GraphQL feature is built from: field declarations, selections, connections, limits, errors."""
