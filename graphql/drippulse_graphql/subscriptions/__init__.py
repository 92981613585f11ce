"""Subscriptions: what happens, from the event log to clients, over WebSocket and server-sent events."""
