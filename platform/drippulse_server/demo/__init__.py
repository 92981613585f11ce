"""A demo organization: people, deals and workflows to look at and to build against."""
