"""Idempotency keys: a write that is sent again answers what it answered the first time."""
