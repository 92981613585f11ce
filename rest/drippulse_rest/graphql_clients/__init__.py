"""Clients of GraphQL over REST: their documents, and what they ask for."""
