"""PostgreSQL and Redis as child processes of ours, from Python wheels alone."""
