"""Enrollments in GraphQL."""
