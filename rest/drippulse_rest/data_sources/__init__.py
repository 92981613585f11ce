"""`/data_sources` and `/data_source_runs`."""
