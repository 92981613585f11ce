"""The DripPulse domain: what the product does, free of web framework, queue and GraphQL."""
