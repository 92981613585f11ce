"""Opaque keyset cursors. One belongs to the list (kind, order, filter) that made it, and survives new rows."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import orjson

from drippulse.kit.errors import BadRequestError
from drippulse.kit.ids import MAX_ID, uuid_or_none
from drippulse_graphql.kit.ids import Key

SCOPE_CHARACTERS = 10
READABLE = {
    "bigint": re.compile(r"-?\d{1,18}|-9223372036854775808"),
    "numeric": re.compile(r"-?\d{1,40}(\.\d{1,40})?"),
    "double precision": re.compile(r"-?(Infinity|\d{1,20}(\.\d{1,20})?(e[+-]\d{1,3})?)"),
    "date": re.compile(r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])"),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d){0,2}")


class BadCursorError(BadRequestError):
    """Malformed, or made by another list."""

    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in an order: the ordering expression as PostgreSQL writes it, and the key that breaks ties."""

    value: str
    key: Key


def scope_of(*parts: object) -> str:
    """A short name for one list; a cursor from any other is refused."""
    return hashlib.sha256(orjson.dumps([str(part) for part in parts])).hexdigest()[:SCOPE_CHARACTERS]


def encode_cursor(scope: str, position: Position) -> str:
    key = position.key if isinstance(position.key, int) else str(position.key)
    return base64.urlsafe_b64encode(orjson.dumps([scope, position.value, key])).decode().rstrip("=")


def decode_cursor(scope: str, cursor: str, cast: str, key_type: str = "bigint") -> Position:
    """The position behind a cursor of the list `scope`, which orders by values of the SQL type `cast`.

    Raises:
        BadCursorError
    """
    try:
        match orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [str(made_for), str(value), key] if made_for == scope:
                read = _key(key, key_type)
                if read is not None and _is_readable(value, cast):
                    return Position(value, read)
            case _:
                pass
    except (binascii.Error, ValueError):
        pass
    raise BadCursorError(
        "This cursor was not made by this list. Send a cursor back with the same filter and order that it came from, "
        "or start without one."
    )


def _key(written: object, key_type: str) -> Key | None:
    if key_type == "uuid":
        return uuid_or_none(written) if isinstance(written, str) else None
    return written if type(written) is int and 0 < written <= MAX_ID else None


def _is_readable(value: str, cast: str) -> bool:
    """Whether PostgreSQL reads `value` back as a `cast`: nobody but the caller kept the cursor."""
    if cast == "text":
        return "\x00" not in value
    if cast == "timestamptz" and value != "infinity":
        return TIMESTAMP.fullmatch(value) is not None and bool(datetime.fromisoformat(value))
    return value in {"infinity", "-infinity"} if cast == "timestamptz" else READABLE[cast].fullmatch(value) is not None
