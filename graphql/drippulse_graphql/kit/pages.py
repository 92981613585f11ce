"""Pages of a list: arguments in, one SQL statement, rows with their positions out. Pure but for `fetch`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError
from drippulse_graphql.kit.cursors import Position, decode_cursor
from drippulse_graphql.kit.fields import Table
from drippulse_graphql.kit.ids import Key
from drippulse_graphql.kit.selection import Selection

DEFAULT_FIRST = 50
MAX_FIRST = 200
PARENT = "#parent"
VALUE = "#value"
KEY = "#key"


@dataclass(frozen=True, slots=True)
class Order:
    """An ordering expression, the type its text is cast back to, and the direction. Ties go by the table's key."""

    sql: str
    cast: str
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """`sql` with `{}` where its value goes, which is hashable: a tuple for an array."""

    sql: str
    value: Any


@dataclass(frozen=True, slots=True)
class PageArguments:
    """What was asked for, checked. Hashable: equal pages of many parents are fetched together."""

    limit: int
    backward: bool
    bound: Position | None

    @property
    def forward(self) -> bool:
        return not self.backward


def page_arguments(
    scope: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    *,
    cast: str = "text",
    key_type: str = "bigint",
) -> PageArguments:
    """Read the paging arguments of the list `scope`, whose order is by values of the SQL type `cast`.

    Raises:
        ValidationError, BadCursorError
    """
    if last is not None or before is not None:
        if first is not None or after is not None:
            raise _refused("last", "Page forward with first and after, or backward with last and before, not both.")
        return PageArguments(
            _in_range("last", DEFAULT_FIRST if last is None else last),
            backward=True,
            bound=None if before is None else decode_cursor(scope, before, cast, key_type),
        )
    return PageArguments(
        _in_range("first", DEFAULT_FIRST if first is None else first),
        backward=False,
        bound=None if after is None else decode_cursor(scope, after, cast, key_type),
    )


def _in_range(name: str, value: int) -> int:
    if not 1 <= value <= MAX_FIRST:
        raise _refused(name, f"{name} must be from 1 to {MAX_FIRST}; it is {value}.")
    return value


def _refused(name: str, sentence: str) -> ValidationError:
    return ValidationError(sentence, errors={name: [sentence]})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of a type's rows. With `parent` (a column) it is fetched for many parents at once."""

    table: Table
    selection: Selection
    order: Order
    conditions: tuple[Condition, ...] = ()
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the list's order, each with its position; `more` says whether rows follow in the direction of reading."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    positions: list[Position] = field(default_factory=list[Position])
    more: bool = False


async def fetch_page(session: Session, organization_id: int, listing: Listing, page: PageArguments) -> Page:
    args: list[Any] = [organization_id]
    sql = _page_sql(listing, page, args)
    return _page(listing, page, await session.fetch(sql, *args))


async def fetch_pages(
    session: Session, organization_id: int, listing: Listing, page: PageArguments, parents: Sequence[Key]
) -> dict[Key, Page]:
    """The same page for each parent that has rows."""
    args: list[Any] = [organization_id, list(parents)]
    inner = _page_sql(listing, page, args)
    given = f"unnest($2::{array_type(parents)}) AS p(id)"
    sql = f'SELECT p.id AS "{PARENT}", l.* FROM {given} CROSS JOIN LATERAL ({inner}) AS l'
    grouped: dict[Key, list[Record]] = {}
    for record in await session.fetch(sql, *args):
        grouped.setdefault(record[PARENT], []).append(record)
    return {parent: _page(listing, page, records) for parent, records in grouped.items()}


async def fetch_count(session: Session, organization_id: int, listing: Listing) -> int:
    args: list[Any] = [organization_id]
    where = _where(listing, args)
    return int(await session.fetchval(f"SELECT count(*) FROM {listing.table.rows} WHERE {where}", *args))


async def fetch_counts(
    session: Session, organization_id: int, listing: Listing, parents: Sequence[Key]
) -> dict[Key, int]:
    """How many rows each parent that has any has."""
    args: list[Any] = [organization_id, list(parents)]
    where = f"{_where(listing, args)} AND {listing.parent} = ANY($2::{array_type(parents)})"
    sql = f"SELECT {listing.parent} AS parent, count(*) AS rows FROM {listing.table.rows} WHERE {where} GROUP BY 1"
    return {record["parent"]: record["rows"] for record in await session.fetch(sql, *args)}


def array_type(keys: Sequence[Key]) -> str:
    """The SQL type of keys, which are all of one kind."""
    return "bigint[]" if all(isinstance(key, int) for key in keys) else "uuid[]"


def _page_sql(listing: Listing, page: PageArguments, args: list[Any]) -> str:
    table, order = listing.table, listing.order
    where = _where(listing, args)
    if listing.parent:
        where += f" AND {listing.parent} = p.id"
    descending = order.descending != page.backward
    by_key = order.sql == table.key
    if page.bound is not None:
        sign = "<" if descending else ">"
        args.append(page.bound.key)
        if by_key:
            where += f" AND {table.key} {sign} ${len(args)}"
        else:
            args.append(page.bound.value)
            where += f" AND ({order.sql}, {table.key}) {sign} (${len(args)}::text::{order.cast}, ${len(args) - 1})"
    direction = "DESC" if descending else "ASC"
    ordering = f"{table.key} {direction}" if by_key else f"{order.sql} {direction}, {table.key} {direction}"
    args.append(page.limit + 1)
    return (
        f'SELECT {listing.selection.sql}, ({order.sql})::text AS "{VALUE}", {table.key} AS "{KEY}" '
        f"FROM {table.source} WHERE {where} ORDER BY {ordering} LIMIT ${len(args)}"
    )


def _where(listing: Listing, args: list[Any]) -> str:
    parts = [f"{listing.table.organization} = $1", listing.table.live]
    for condition in listing.conditions:
        args.append(condition.value)
        parts.append(condition.sql.replace("{}", f"${len(args)}"))
    return " AND ".join(parts)


def _page(listing: Listing, page: PageArguments, records: Sequence[Record]) -> Page:
    shown = list(records[: page.limit])
    if page.backward:
        shown.reverse()
    return Page(
        [listing.selection.row(record) for record in shown],
        [Position(record[VALUE], record[KEY]) for record in shown],
        len(records) > page.limit,
    )
