"""The page at `/graphql` in development: everything it needs is served from here, so that it works without a network."""
