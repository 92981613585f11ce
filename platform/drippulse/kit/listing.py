"""Lists: what they page, order, search and filter by, declared once for every way of asking. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from drippulse.kit.conditions import refuse_unknown
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

PAGING: Final = ("page", "per_page", "cursor")


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
        order: the order that it has without `sort`.
    """

    sorts: Mapping[str, str | Sort]
    filters: Mapping[str, Field] = field(default_factory=dict[str, Field])
    search: bool | str = False
    full_limit: int | None = None
    key: type[int | UUID] = int
    order: str = NEWEST_FIRST

    @property
    def sortable(self) -> bool:
        return len(self.sorts) > 1

    @property
    def plain(self) -> tuple[str, ...]:
        """The parameters that are no filters."""
        return (*PAGING, *(("sort",) if self.sortable else ()), *(("q",) if self.search else ()))

    def read(self, given: Mapping[str, str], found: Found | None = None) -> ListRequest:
        """From parameters as a query string has them.

        Args:
            found: what was looked up for names that are known only at run time.

        Raises:
            ValidationError: names each parameter that is unknown or not acceptable.
        """
        found = found or Found()
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


def _whole(given: Mapping[str, str], name: str, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        sentence = f"{name} must be a whole number from 1 to {most}."
        raise ValidationError(sentence, errors={name: [sentence]})
    return int(text)
