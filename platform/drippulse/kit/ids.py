"""Ids as callers give them."""

from uuid import UUID

MAX_ID = 2**63 - 1


def is_id(value: int) -> bool:
    """Whether `value` fits the database's key type; anything else is simply an id that does not exist."""
    return 0 < value <= MAX_ID


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
