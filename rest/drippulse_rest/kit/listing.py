"""Lists: what a list route declares, and reading the query string by it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson

from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Field, read_filters, split_name
from drippulse.kit.pagination import (
    MAX_PAGE,
    MAX_PER_PAGE,
    NEWEST_FIRST,
    Found,
    ListRequest,
    PageRequest,
    Sort,
    page_request,
)
from drippulse.kit.text import did_you_mean
from drippulse_rest.kit.request import ApiRequest

PAGING: Final = ("page", "per_page", "cursor")
MEANT: Final = {
    "page_size": "per_page",
    "limit": "per_page",
    "offset": "page",
    "search": "q",
    "order": "sort",
    "order_by": "sort",
}
"""Names that other APIs have for the same."""

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
        _refuse_unknown(given, self.plain, filters)
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

    async def read_conditions(self, request: ApiRequest, given: Mapping[str, Any]) -> ListRequest:
        """The same conditions from an object in a body: values are as in JSON, several of them a list. No paging.

        Raises ValidationError, which names each condition that is unknown or not acceptable as `filter.<name>`.
        """
        texts = {name: query_text(value) for name, value in given.items()}
        found = await self._found(request, texts)
        filters = {**self.filters, **found.filters}
        taken = ("q",) if self.search else ()
        try:
            _refuse_unknown(texts, taken, filters, "a condition of this list")
            conditions = {name: text for name, text in texts.items() if name not in taken}
            read = read_filters(conditions, filters)
        except ValidationError as error:
            errors = {f"filter.{name}": sentences for name, sentences in error.errors.items()}
            raise ValidationError(error.message, errors=errors) from None
        return ListRequest(PageRequest(limit=None), texts.get("q"), read, found)

    async def _found(self, request: ApiRequest, given: Mapping[str, str]) -> Found:
        if self.dynamic is None:
            return Found()
        names = {split_name(name)[0] for name in given} | {given.get("sort", "").removeprefix("-")}
        asked = {name for name in names if name.startswith(self.dynamic.prefix)}
        return await self.dynamic.resolve(request, asked) if asked else Found()


def query_text(value: object) -> str:
    """A JSON value as a query parameter has it; several with commas between them."""
    if isinstance(value, list):
        members: list[object] = [*value]
        return ",".join(query_text(member).replace(",", "\\,") for member in members)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _given(request: ApiRequest) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in request.query_params.items():
        if name in given:
            sentence = f"{name[:100]} is given twice; send it once, several values with commas."
            raise ValidationError(sentence, errors={name: [sentence]})
        given[name] = text
    return given


def _refuse_unknown(
    given: Mapping[str, str],
    plain: Collection[str],
    filters: Mapping[str, Field],
    thing: str = "a parameter of this list",
) -> None:
    errors: dict[str, list[str]] = {}
    known = (*plain, *filters)
    for parameter in given:
        name = split_name(parameter)[0]
        if parameter not in plain and name not in filters:
            meant = MEANT.get(name, "")
            hint = f' Did you mean "{meant}"?' if meant in known else did_you_mean(name[:100], known)
            errors[parameter] = [f'"{parameter[:100]}" is not {thing}.{hint} It takes {", ".join(known)}.']
    if errors:
        raise ValidationError(next(iter(errors.values()))[0], errors=errors)


def _whole(given: Mapping[str, str], name: str, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        sentence = f"{name} must be a whole number from 1 to {most}."
        raise ValidationError(sentence, errors={name: [sentence]})
    return int(text)
