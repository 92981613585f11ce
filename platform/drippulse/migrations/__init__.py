"""The schema and how it moves forward."""
