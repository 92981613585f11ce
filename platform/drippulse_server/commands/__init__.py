"""One module a command: its options, its help with an example, and the call into what does the work."""
