"""Integer ids of resources."""

MAX_ID = 2**63 - 1


def is_id(value: int) -> bool:
    """Whether `value` fits the database's key type; anything else is simply an id that does not exist."""
    return 0 < value <= MAX_ID
