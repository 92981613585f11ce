"""Connections to other systems and the connectors that speak to them."""
