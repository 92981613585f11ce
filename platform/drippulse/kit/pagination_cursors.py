"""Cursors: where a list goes on, as text that callers hand back unread. Pure."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import orjson

from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Kind, read_value
from drippulse.kit.ids import MAX_ID

NEWEST_FIRST: Final = "-created_at"
LONGEST: Final = 8192
PLAIN: Final = b"id:"


@dataclass(frozen=True, slots=True)
class Position:
    """A row: its id, and the value of the column that the list is sorted by, where that is another one."""

    key: int | UUID
    value: Any = None


def encode_position(sort: str, at: Position) -> str:
    """`id:7` for the newest first of integer ids, else the order, the value and the id."""
    if sort == NEWEST_FIRST and isinstance(at.key, int) and at.value is None:
        return _encode(f"id:{at.key}".encode())
    value = at.value if at.value is None or isinstance(at.value, bool) else str(at.value)
    return _encode(orjson.dumps([sort, value, str(at.key)]))


def read_position(cursor: str, sort: str, key: type[int | UUID], kind: Kind | None) -> Position:
    """The position of a cursor that was made for this order.

    Raises:
        ValidationError: it was made by another list, for another order, or by hand.
    """
    try:
        return _read(cursor, sort, key, kind)
    except (binascii.Error, ValueError, TypeError):
        sentence = "This cursor was not made by this list in this order; start without one."
        raise ValidationError(sentence, errors={"cursor": ["Not a cursor of this list."]}) from None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(cursor: str, sort: str, key: type[int | UUID], kind: Kind | None) -> Position:
    if len(cursor) > LONGEST:
        raise ValueError
    raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    if raw.startswith(PLAIN) and sort == NEWEST_FIRST and key is int:
        return Position(_id(raw.decode("ascii").removeprefix("id:"), key))
    made_for, value, last = cast("list[Any]", orjson.loads(raw))
    if made_for != sort or not isinstance(last, str):
        raise ValueError
    if value is None or kind is None:
        return Position(_id(last, key))
    text = value if isinstance(value, str) else str(value).lower()
    if "\x00" in text:
        raise ValueError
    return Position(_id(last, key), text if kind is Kind.TEXT else read_value(kind, text))


def _id(text: str, key: type[int | UUID]) -> int | UUID:
    if key is UUID:
        return UUID(text)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 0 < number <= MAX_ID:
        raise ValueError
    return number
