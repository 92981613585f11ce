"""Team members: invitations, roles, and their end."""
