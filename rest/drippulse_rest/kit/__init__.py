"""What every route shares: reading requests, answering, authorization, errors, metrics."""
