"""Programs that speak GraphQL: the documents they registered, and what they ask for."""
