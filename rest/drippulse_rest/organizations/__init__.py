"""Logging in and checking credentials."""
