"""The planner: a read operation becomes one SQL statement that answers its JSON."""
