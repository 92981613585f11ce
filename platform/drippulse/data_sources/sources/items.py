"""The rows of a JSON answer. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from drippulse.crm.importing.portions import text_of
from drippulse.crm.importing.rows import Bad
from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.sources.fetching import is_web_page
from drippulse.data_sources.sources.values import MISSING, walk

SHOWN_NAMES = 20
SHOWN_CELL = 500


def read_json(body: bytes, content_type: str) -> Any:
    """Raises SourceError, which says what came instead."""
    if is_web_page(body[:100], content_type):
        raise SourceError("The answer is a web page, not JSON; it may be a page to log in. Check the address.")
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
        what = "The answer is empty" if not body.strip() else f"The answer is not JSON: {place}"
        raise SourceError(f"{what}.") from None


def items_of(document: Any, path: str) -> list[Any]:
    """The list below `path`; without one the document itself, or the only list in it.

    Raises:
        SourceError: there is none.
    """
    found = walk(document, path)
    if isinstance(found, list):
        return cast("list[Any]", found)
    if path:
        what = "nothing" if found is MISSING else "no list"
        raise SourceError(f"The answer has {what} at items_path {path}. {_names(document)}")
    members = cast("dict[str, Any]", document).values() if isinstance(document, dict) else ()
    lists = [cast("list[Any]", one) for one in members if isinstance(one, list)]
    if len(lists) == 1:
        return lists[0]
    raise SourceError(f"The answer is not a list; say with config.items_path where its list is. {_names(document)}")


def numbered(items: Sequence[Any], before: int) -> tuple[list[tuple[int, Mapping[str, Any]]], list[Bad]]:
    """Rows with their numbers, which begin behind `before`, and what is no row."""
    rows: list[tuple[int, Mapping[str, Any]]] = []
    bad: list[Bad] = []
    for number, item in enumerate(items, before + 1):
        if isinstance(item, dict):
            rows.append((number, cast("dict[str, Any]", item)))
        else:
            bad.append(Bad(number, "This item is no JSON object.", (text_of(item)[:SHOWN_CELL],)))
    return rows, bad


def _names(document: Any) -> str:
    if isinstance(document, dict) and document:
        names = list(cast("dict[str, Any]", document))[:SHOWN_NAMES]
        return f"It has {', '.join(name[:100] for name in names)}."
    return f"It is {'an empty object' if isinstance(document, dict) else type(document).__name__}."
