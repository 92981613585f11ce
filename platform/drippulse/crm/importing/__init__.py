"""Importing records in bulk: files of rows, read without trust, written set by set."""
