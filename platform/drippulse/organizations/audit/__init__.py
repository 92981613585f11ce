"""The audit log: security-relevant acts, each with who, from where and when."""
