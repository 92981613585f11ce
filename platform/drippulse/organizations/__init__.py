"""Organizations, users, memberships, API keys: who may do what."""
