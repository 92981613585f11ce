"""API keys over the API: made, listed, revoked, counted."""
