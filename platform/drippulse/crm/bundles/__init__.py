"""Bundles: an organization's CRM as one JSON document, out and in again."""
