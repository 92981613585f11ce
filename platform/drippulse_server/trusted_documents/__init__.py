"""Sending the documents of a build to an instance."""
