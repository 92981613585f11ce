"""The audit of every change of a record, in changesets that can be reverted."""
