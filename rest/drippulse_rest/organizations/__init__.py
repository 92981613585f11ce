"""Logging in, the account, the team, API keys, the audit log."""
