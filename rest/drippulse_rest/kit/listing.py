"""Lists: what a list route declares, and reading the query string by it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from drippulse.kit.conditions import names_with, refuse_unknown
from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Field, read_filters
from drippulse.kit.pagination import (
    MAX_PAGE,
    MAX_PER_PAGE,
    NEWEST_FIRST,
    Found,
    ListRequest,
    Sort,
    page_request,
)
from drippulse_rest.kit.request import ApiRequest

PAGING: Final = ("page", "per_page", "cursor")

Resolver: TypeAlias = Callable[[ApiRequest, Collection[str]], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """Names that begin with `prefix`, such as `custom.`: `resolve` is asked about those that a request uses."""

    prefix: str
    resolve: Resolver
    description: str


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is paged, ordered, searched and filtered.

    Args:
        sorts: what it sorts by, as its queries map it to SQL; `created_at` is the newest-first order. Where that is
            the only one the list takes no `sort`.
        filters: the columns to filter by.
        search: whether it takes `q`; a text says what is searched.
        full_limit: the most rows of an answer without paging; None answers all.
        key: the type of its ids.
        dynamic: further filters and sorts.
        order: the order that it has without `sort`.
    """

    sorts: Mapping[str, str | Sort]
    filters: Mapping[str, Field] = field(default_factory=dict[str, Field])
    search: bool | str = False
    full_limit: int | None = None
    key: type[int | UUID] = int
    dynamic: Dynamic | None = None
    order: str = NEWEST_FIRST

    @property
    def sortable(self) -> bool:
        return len(self.sorts) > 1 or self.dynamic is not None

    @property
    def plain(self) -> tuple[str, ...]:
        """The parameters that are no filters."""
        return (*PAGING, *(("sort",) if self.sortable else ()), *(("q",) if self.search else ()))

    async def read(self, request: ApiRequest) -> ListRequest:
        """Raises ValidationError, which names each parameter that is unknown, given twice or not acceptable."""
        given = _given(request)
        found = await self._found(request, given)
        filters = {**self.filters, **found.filters}
        refuse_unknown(given, self.plain, filters)
        page = page_request(
            _whole(given, "page", MAX_PAGE),
            _whole(given, "per_page", MAX_PER_PAGE),
            given.get("cursor"),
            sort=given.get("sort") or self.order,
            sorts={**self.sorts, **found.sorts},
            full_limit=self.full_limit,
            key=self.key,
        )
        conditions = {name: text for name, text in given.items() if name not in self.plain}
        return ListRequest(page, given.get("q"), read_filters(conditions, filters), found)

    async def _found(self, request: ApiRequest, given: Mapping[str, str]) -> Found:
        if self.dynamic is None:
            return Found()
        asked = names_with(given, self.dynamic.prefix)
        return await self.dynamic.resolve(request, asked) if asked else Found()


def _given(request: ApiRequest) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in request.query_params.items():
        if name in given:
            sentence = f"{name[:100]} is given twice; send it once, several values with commas."
            raise ValidationError(sentence, errors={name: [sentence]})
        given[name] = text
    return given


def _whole(given: Mapping[str, str], name: str, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        sentence = f"{name} must be a whole number from 1 to {most}."
        raise ValidationError(sentence, errors={name: [sentence]})
    return int(text)
