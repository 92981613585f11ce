"""The page at `/graphql` in development: all it needs is served from here, so it works without a network."""
