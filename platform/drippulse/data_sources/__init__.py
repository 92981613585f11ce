"""Data sources: tables elsewhere that are read into the CRM, by hand or by a schedule."""
