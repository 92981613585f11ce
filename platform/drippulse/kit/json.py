"""JSON for jsonb columns: fast, and never refused by PostgreSQL."""

from typing import Any, cast

import orjson


def dump_json(value: Any) -> str:
    """Compact JSON text. NULs and lone surrogates, which jsonb refuses, are dropped; odd types become text."""
    try:
        text = orjson.dumps(value, default=str)
    except TypeError:
        text = orjson.dumps(_plain(value), default=str)
    if b"\\u0000" in text:
        text = orjson.dumps(_plain(value), default=str)
    return text.decode()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        return {_plain(str(key)): _plain(item) for key, item in items.items()}
    if isinstance(value, list | tuple):
        members: list[Any] = [*value]
        return [_plain(item) for item in members]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 10**300 else str(value)
    return value
