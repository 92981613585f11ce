"""CRM records as types with global ids, their lists and what leads from one to the other."""
