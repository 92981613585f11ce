"""Converting a lead: into an account, a contact and an opportunity, in one call."""
