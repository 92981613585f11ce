"""Enrollment routes."""
