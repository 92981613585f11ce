"""Importing contacts into a running instance, over REST."""
