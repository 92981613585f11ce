"""Pages and cursors, the same for every list.

Without `page`, `per_page` and `cursor` a list answers its documented full collection. Lists are ordered newest first;
a cursor stays right while rows are added.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Column, Field, Filter, value_of
from drippulse.kit.pagination_cursors import NEWEST_FIRST, Position, encode_position, read_position
from drippulse.kit.pagination_sorts import Sort, Sorts, kind_of, order_by, shown, tail
from drippulse.kit.text import did_you_mean

__all__ = [
    "NEWEST_FIRST",
    "PageRequest",
    "Position",
    "Sort",
    "Sorts",
    "encode_cursor",
    "order_by",
    "page_request",
    "shown",
    "tail",
]

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 200
MAX_PAGE = 1_000_000_000
Id: TypeAlias = int | UUID


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What part of a list to answer.

    `after` is the keyset position of a cursor. `limit` None means all rows. `numbered` tells whether pages count.
    """

    limit: int | None
    offset: int = 0
    after: Position | None = None
    page: int = 1
    numbered: bool = False
    paginated: bool = False
    sort: str = NEWEST_FIRST

    @property
    def fetch(self) -> int | None:
        """Rows to ask for: one more than wanted, which tells whether there is a next page."""
        return None if self.limit is None else self.limit + 1

    @property
    def before_id(self) -> int | None:
        """The position of a cursor in a list of integer ids, newest first."""
        return self.after.key if self.after is not None and isinstance(self.after.key, int) else None

    def cursor_after(self, last_id: Id, value: Any = None) -> str:
        """The cursor that goes on behind the row with this id and this value of the column sorted by."""
        return encode_position(self.sort, Position(last_id, value))


@dataclass(frozen=True, slots=True)
class Found:
    """Names that are known only at run time (custom fields): their filters, sorts and SQL expressions."""

    filters: Mapping[str, Field] = field(default_factory=dict[str, Field])
    sorts: Mapping[str, Sort] = field(default_factory=dict[str, Sort])
    columns: Mapping[str, Column] = field(default_factory=dict[str, Column])


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a caller wants of a list: which part in which order, text to find, and conditions by column.

    `found` has what was looked up for this request: add its `columns` and `sorts` to those of the queries.
    """

    page: PageRequest
    q: str | None = None
    filters: tuple[Filter, ...] = ()
    found: Found = field(default_factory=Found)

    def value(self, name: str) -> Any:
        """Of a filter that takes a single value; None when it is not given."""
        return value_of(self.filters, name)


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows a list has: exactly, or at least."""

    count: int
    is_lower_bound: bool = False


COUNTED: Final = 10_000
"""Rows of a filtered list that are counted; beyond it the total is a lower bound."""


def total_up_to(count: int) -> Total:
    """For `SELECT count(*) FROM (SELECT 1 FROM ... LIMIT 10001) AS counted`."""
    return Total(min(count, COUNTED), is_lower_bound=count > COUNTED)


def listed(
    name: str, rows: Sequence[Any], page: PageRequest, present: Callable[[Any], Any], total: int | Total
) -> dict[str, Any]:
    """`{name, total_count}` from the rows of `page.fetch`; paginated answers also have `next_cursor`.

    `rows` have `id` and, where `Tail.value` is selected, `cursor_value`.
    """
    part, cursor = shown(rows, page)
    exact = total if isinstance(total, Total) else Total(total)
    answer: dict[str, Any] = {name: [present(row) for row in part], "total_count": exact.count}
    if exact.is_lower_bound:
        answer["total_count_is_lower_bound"] = True
    return {**answer, "next_cursor": cursor} if page.paginated else answer


def page_request(
    page: int | None,
    per_page: int | None,
    cursor: str | None,
    *,
    sort: str | None = None,
    sorts: Sorts,
    full_limit: int | None = None,
    key: type[Id] = int,
) -> PageRequest:
    """Read the paging parameters of a list.

    Args:
        sorts: what this list sorts by.
        full_limit: the most rows an unpaginated answer has.
        key: the type of its ids.

    Raises:
        ValidationError: a parameter is out of range; `errors` names it.
    """
    order = _order(sort, sorts)
    size = _in_range("per_page", per_page, MAX_PER_PAGE) or DEFAULT_PER_PAGE
    number = _in_range("page", page, MAX_PAGE)
    if cursor is not None:
        return _at_cursor(cursor, size, order, sorts, key)
    if number is None and per_page is None:
        return PageRequest(limit=full_limit, sort=order)
    number = number or 1
    return PageRequest(size, (number - 1) * size, page=number, numbered=True, paginated=True, sort=order)


def encode_cursor(last_id: int) -> str:
    """Of a list of integer ids, newest first."""
    return encode_position(NEWEST_FIRST, Position(last_id))


def _order(sort: str | None, sorts: Sorts) -> str:
    if not sort:
        return NEWEST_FIRST
    name = sort.removeprefix("-")
    if name not in sorts:
        sentence = (
            f'"{name[:100]}" is not sortable.{did_you_mean(name[:100], sorts)} '
            f'Sort by {", ".join(sorts)}; "-" first reverses.'
        )
        raise ValidationError(sentence, errors={"sort": [sentence]})
    return sort


def _in_range(name: str, value: int | None, most: int) -> int | None:
    if value is not None and not 1 <= value <= most:
        sentence = f"{name} must be a whole number from 1 to {most}."
        raise ValidationError(sentence, errors={name: [sentence]})
    return value


def _at_cursor(cursor: str, size: int, order: str, sorts: Sorts, key: type[Id]) -> PageRequest:
    kind = kind_of(sorts.get(order.removeprefix("-"), ""))
    if order != NEWEST_FIRST and kind is None:
        raise ValidationError(
            "A cursor follows the newest-first order; leave sort out or use page.",
            errors={"cursor": ["Not together with this sort."]},
        )
    after = read_position(cursor, order, key, kind) if cursor else None
    return PageRequest(size, after=after, paginated=True, sort=order)
