"""`limit` and `offset` of the dialect's lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from litestar.params import QueryParameter

from drippulse.kit.errors import BadRequestError
from drippulse.kit.ids import MAX_ID

MAX_LIMIT, DEFAULT_LIMIT = 100, 20

Limit: TypeAlias = Annotated[
    int | None,
    QueryParameter(schema_extra={"minimum": 1, "maximum": MAX_LIMIT}, description="Items of a page; 20 when left out."),
]
Offset: TypeAlias = Annotated[
    int | None,
    QueryParameter(schema_extra={"minimum": 0, "maximum": MAX_ID}, description="How many items to pass over."),
]
Search: TypeAlias = Annotated[str | None, QueryParameter(description="Text to find, in any case.")]


class InvalidPageError(BadRequestError):
    code = "invalid_page"


@dataclass(frozen=True, slots=True)
class Window:
    limit: int
    offset: int


def window(limit: int | None, offset: int | None) -> Window:
    """Raises InvalidPageError (400)."""
    size, skipped = DEFAULT_LIMIT if limit is None else limit, offset or 0
    if not 1 <= size <= MAX_LIMIT:
        raise InvalidPageError(f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    if not 0 <= skipped <= MAX_ID:
        raise InvalidPageError("offset must be a whole number, 0 or more.")
    return Window(size, skipped)


def items(found: Sequence[Any], total: int, page: Window) -> dict[str, Any]:
    return {"items": list(found), "total": total, "limit": page.limit, "offset": page.offset}
