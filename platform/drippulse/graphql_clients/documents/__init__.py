"""Trusted documents: registered when a client is built, run by their hash."""
