"""Pages and cursors, the same for every list.

Without `page`, `per_page` and `cursor` a list answers its documented full collection. Lists are ordered newest first;
a cursor stays right while rows are added.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from drippulse.kit.errors import ValidationError
from drippulse.kit.ids import MAX_ID
from drippulse.kit.text import did_you_mean

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 200
MAX_PAGE = 1_000_000_000
NEWEST_FIRST = "-created_at"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What part of a list to answer.

    `before_id` is the keyset position of a cursor. `limit` None means all rows. `numbered` tells whether pages count.
    """

    limit: int | None
    offset: int = 0
    before_id: int | None = None
    page: int = 1
    numbered: bool = False
    paginated: bool = False
    sort: str = NEWEST_FIRST

    @property
    def fetch(self) -> int | None:
        """Rows to ask for: one more than wanted, which tells whether there is a next page."""
        return None if self.limit is None else self.limit + 1


def page_request(
    page: int | None,
    per_page: int | None,
    cursor: str | None,
    *,
    sort: str | None = None,
    sorts: Mapping[str, str],
    full_limit: int | None = None,
) -> PageRequest:
    """Read the paging parameters of a list.

    Args:
        sorts: the names this list sorts by (the SQL expression is the caller's business).
        full_limit: the most rows an unpaginated answer has.

    Raises:
        ValidationError: a parameter is out of range; `errors` names it.
    """
    order = _order(sort, sorts)
    size = _in_range("per_page", per_page, MAX_PER_PAGE) or DEFAULT_PER_PAGE
    number = _in_range("page", page, MAX_PAGE)
    if cursor is not None:
        return _at_cursor(cursor, size, number, order)
    if number is None and per_page is None:
        return PageRequest(limit=full_limit, sort=order)
    number = number or 1
    return PageRequest(size, (number - 1) * size, page=number, numbered=True, paginated=True, sort=order)


def encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(f"id:{last_id}".encode()).decode().rstrip("=")


def order_by(sort: str, sorts: Mapping[str, str], tie_breaker: str) -> str:
    """The ORDER BY list for a checked `sort`; ties go to the newer row."""
    expression = sorts[sort.removeprefix("-")]
    direction = "DESC" if sort.startswith("-") else "ASC"
    if expression == tie_breaker:
        return f"{expression} {direction}"  # never null; NULLS LAST would keep the index from being used
    return f"{expression} {direction} NULLS LAST, {tie_breaker} DESC"


def _order(sort: str | None, sorts: Mapping[str, str]) -> str:
    if not sort:
        return NEWEST_FIRST
    name = sort.removeprefix("-")
    if name not in sorts:
        sentence = (
            f'"{name}" is not sortable.{did_you_mean(name, sorts)} Sort by {", ".join(sorts)}; "-" first reverses.'
        )
        raise ValidationError(sentence, errors={"sort": [sentence]})
    return sort


def _in_range(name: str, value: int | None, most: int) -> int | None:
    if value is not None and not 1 <= value <= most:
        sentence = f"{name} must be a whole number from 1 to {most}."
        raise ValidationError(sentence, errors={name: [sentence]})
    return value


def _at_cursor(cursor: str, size: int, number: int | None, order: str) -> PageRequest:
    if number is not None:
        raise ValidationError("Send page or cursor, not both.", errors={"cursor": ["Not together with page."]})
    if order != NEWEST_FIRST:
        raise ValidationError(
            "A cursor follows the newest-first order; leave sort out or use page.",
            errors={"cursor": ["Not together with sort."]},
        )
    return PageRequest(size, before_id=_position(cursor) if cursor else None, paginated=True)


def _position(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        position = int(text.removeprefix("id:")) if text.startswith("id:") else 0
    except (binascii.Error, ValueError):
        position = 0
    if not 0 < position <= MAX_ID:
        raise ValidationError(
            "This cursor was not made by this list; start without one.", errors={"cursor": ["Not a cursor."]}
        )
    return position
