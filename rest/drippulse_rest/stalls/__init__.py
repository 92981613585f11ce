"""The watchdog over REST."""
