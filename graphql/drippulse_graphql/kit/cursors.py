"""Opaque keyset cursors. One belongs to the list (kind, order, filter) that made it, and survives new rows."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import orjson

from drippulse.kit.errors import BadRequestError
from drippulse.kit.ids import MAX_ID

SCOPE_CHARACTERS = 10


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


def decode_cursor(scope: str, cursor: str) -> Position:
    """Raises BadCursorError."""
    try:
        match orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(made_for), str(value), int(key)] if 0 < key <= MAX_ID and "\x00" not in value:
                if made_for == scope:
                    return Position(value, key)
            case _:
                pass
    except (binascii.Error, ValueError):
        pass
    raise BadCursorError(
        "This cursor was not made by this list. Send a cursor back with the same filter and order that it came from, "
        "or start without one."
    )
