"""`drippulse up`: everything on this machine from one command."""
