"""JSON from outside: RFC 8259 to the letter, bounded in depth, and only text that PostgreSQL can store."""

from collections.abc import Iterable
from typing import Any, cast

import orjson

from drippulse.kit.errors import BadRequestError

MAX_DEPTH = 64
ESCAPED_NUL = b"\\u0000"


class MalformedJsonError(BadRequestError):
    code = "malformed_json"


def loads(raw: bytes, what: str = "The body") -> Any:
    """The value of a JSON text, which errors call `what`.

    Raises:
        MalformedJsonError: not JSON (the message says where), or nested deeper than 64.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            raise _too_deep(what) from None
        raise MalformedJsonError(
            f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and is_deeper_than(value, MAX_DEPTH):
        raise _too_deep(what)
    return value


def may_hold_nul(raw: bytes) -> bool:
    """A cheap first look: without this escape no string of the text holds U+0000."""
    return ESCAPED_NUL in raw


def holds_nul(value: Any) -> bool:
    """Whether any string or key in a JSON value holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return any("\x00" in key or holds_nul(member) for key, member in members.items())
    if isinstance(value, list):
        return any(holds_nul(element) for element in cast("list[Any]", value))
    return False


def is_deeper_than(value: Any, limit: int) -> bool:
    """Whether containers nest more than `limit` levels; the outermost one is level 1."""
    level = _containers([value])
    for _ in range(limit):
        if not level:
            return False
        level = _containers(child for container in level for child in _children(container))
    return bool(level)


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if type(value) is dict or type(value) is list]


def _children(container: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", container).values() if type(container) is dict else container


def _too_deep(what: str) -> MalformedJsonError:
    return MalformedJsonError(f"{what} nests deeper than {MAX_DEPTH} levels; flatten it.")
