"""Billing: who bills are written to, and what the organization used this month."""
