"""Workflow routes."""
