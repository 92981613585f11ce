"""Fields that an organization defines for its records: typed, checked on every write, filterable."""
