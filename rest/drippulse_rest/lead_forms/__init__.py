"""Lead forms over HTTP: their definitions, and the pages that people fill in."""
