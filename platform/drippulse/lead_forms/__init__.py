"""Forms on the web that make leads."""
