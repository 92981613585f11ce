"""Stored mail texts: one place to write them, many steps that send them."""
