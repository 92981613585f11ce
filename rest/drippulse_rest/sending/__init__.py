"""`/sending`, `/suppressions` and the bounce webhook."""
