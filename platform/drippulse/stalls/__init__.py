"""The watchdog: runs that nobody moves although somebody should, and their repair."""
