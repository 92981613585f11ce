"""The account: what an organization is called, looks like, sends as and keeps, and who is asking."""
