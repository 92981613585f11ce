"""Values in rows that may nest. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

MOST_COLUMNS = 1_000
DEEPEST = 8
MISSING = object()


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """What stands under the name `path`, else below the path that it is (`address.city`, `emails.0.value`); None when
    there is nothing."""
    if path in row:
        return row[path]
    found = walk(row, path)
    return None if found is MISSING else found


def walk(value: Any, path: str) -> Any:
    """What is at a dotted path, MISSING when there is nothing; the empty path is the value itself."""
    for part in path.split(".") if path else ():
        if isinstance(value, dict):
            value = cast("dict[str, Any]", value).get(part, MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit():
            members = cast("list[Any]", value)
            value = members[int(part)] if len(part) < 7 and int(part) < len(members) else MISSING
        else:
            return MISSING
    return value


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of all columns, those of nested objects as paths, in the order in which they come; at most 1,000."""
    found: dict[str, None] = {}
    for row in rows:
        for name in _paths(row, "", DEEPEST):
            found[name] = None
            if len(found) >= MOST_COLUMNS:
                return list(found)
    return list(found)


def _paths(row: Mapping[str, Any], prefix: str, depth: int) -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, dict) and value and depth:
            yield from _paths(cast("dict[str, Any]", value), f"{prefix}{name}.", depth - 1)
        else:
            yield prefix + name
