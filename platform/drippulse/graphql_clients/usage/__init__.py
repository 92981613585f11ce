"""What clients ask for: operations, and fields that are going to be removed, by client and day."""
