"""Opaque keyset cursors. One belongs to the list (kind, order, filter) that made it, and survives new rows."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import orjson

from drippulse.kit.errors import BadRequestError
from drippulse.kit.ids import MAX_ID

SCOPE_CHARACTERS = 10
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d){0,2}")


class BadCursorError(BadRequestError):
    """Malformed, or made by another list."""

    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in an order: the ordering expression as PostgreSQL writes it, and the key that breaks ties."""

    value: str
    key: int


def scope_of(*parts: object) -> str:
    """A short name for one list; a cursor from any other is refused."""
    return hashlib.sha256(orjson.dumps([str(part) for part in parts])).hexdigest()[:SCOPE_CHARACTERS]


def encode_cursor(scope: str, position: Position) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([scope, position.value, position.key])).decode().rstrip("=")


def decode_cursor(scope: str, cursor: str, cast: str) -> Position:
    """The position behind a cursor of the list `scope`, which orders by values of the SQL type `cast`.

    Raises:
        BadCursorError
    """
    try:
        match orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(made_for), str(value), int(key)] if made_for == scope and type(key) is int:
                if 0 < key <= MAX_ID and _is_readable(value, cast):
                    return Position(value, key)
            case _:
                pass
    except (binascii.Error, ValueError):
        pass
    raise BadCursorError(
        "This cursor was not made by this list. Send a cursor back with the same filter and order that it came from, "
        "or start without one."
    )


def _is_readable(value: str, cast: str) -> bool:
    """Whether PostgreSQL reads `value` back as a `cast`: nobody but the caller kept the cursor."""
    if cast != "timestamptz" or value == "infinity":
        return "\x00" not in value
    return TIMESTAMP.fullmatch(value) is not None and bool(datetime.fromisoformat(value))
