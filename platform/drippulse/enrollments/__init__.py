"""Enrollments: one row per contact in a workflow, and the engine that advances them."""
