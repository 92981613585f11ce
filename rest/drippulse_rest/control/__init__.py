"""Pausing, resuming, cancelling, retrying and explaining."""
