"""Projects: what workflows are grouped by."""
