"""JSON for jsonb columns: fast, and never refused by PostgreSQL."""

from typing import Any, cast

import orjson

MAX_DEPTH = 200  # orjson ends at 254; answers from outside come in any depth
TOO_DEEP = "(nested too deeply to be stored)"


def dump_json(value: Any) -> str:
    """Compact JSON text for any value.

    NULs and lone surrogates, which jsonb refuses, are dropped; odd types become text, what nests deeper than 200
    levels a note that it did.
    """
    try:
        text = orjson.dumps(value, default=str)
    except TypeError:
        text = orjson.dumps(_plain(value), default=str)
    if b"\\u0000" in text:
        text = orjson.dumps(_plain(value), default=str)
    return text.decode()


def _plain(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if depth >= MAX_DEPTH and isinstance(value, dict | list | tuple):
        return TOO_DEEP
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        return {_plain(str(key)): _plain(item, depth + 1) for key, item in items.items()}
    if isinstance(value, list | tuple):
        members: list[Any] = [*value]
        return [_plain(item, depth + 1) for item in members]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 10**300 else str(value)
    return value
