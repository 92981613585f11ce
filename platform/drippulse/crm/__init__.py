"""People: contacts and leads."""
