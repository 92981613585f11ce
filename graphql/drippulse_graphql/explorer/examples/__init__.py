"""Examples for every part of the schema, one module each."""
