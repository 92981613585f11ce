"""The local mailbox: an SMTP server that keeps what it gets in the database, and the page that shows it."""
