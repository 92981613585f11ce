"""What a new schema means for the clients of the released one."""
