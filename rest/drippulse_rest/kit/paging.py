"""The paging parameters of every list, as Litestar reads and documents them."""

from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from drippulse.kit.pagination import MAX_PAGE, MAX_PER_PAGE

Page: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        ge=1,
        le=MAX_PAGE,
        description="Number of the page, from 1. Without paging parameters the whole list is answered.",
    ),
]
PerPage: TypeAlias = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_PER_PAGE, description="Rows of a page, 1 to 200; 50 when left out.")
]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="Where to go on: `next_cursor` of the answer before, or empty for the start. Not with page."
    ),
]
Sort: TypeAlias = Annotated[
    str | None,
    QueryParameter(description="A column to sort by; a leading `-` reverses. Default: -created_at, newest first."),
]
Search: TypeAlias = Annotated[str | None, QueryParameter(description="Text to find, in any case.")]
