"""The event log: what happened, appended in the transaction that did it."""
