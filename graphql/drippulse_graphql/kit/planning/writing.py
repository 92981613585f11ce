"""From a tree and the shape of its arguments to SQL, and to what fills in its parameters. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, cast

import orjson

from drippulse.kit.db import sets_organization
from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.planning.arguments import Call, KeyCall, ListCall
from drippulse_graphql.kit.planning.tree import (
    Asked,
    Cell,
    Constant,
    Credential,
    Cursor,
    Each,
    Members,
    Newer,
    Paged,
    PageEnd,
    Rows,
    Single,
    Total,
    Tree,
    Value,
)
from drippulse_graphql.kit.planning.values import MISSING, cursor, literal

ORGANIZATION = "$1"
MOST_LETTERS = 63
"""Of the name of a column."""
ABSENT = f"{literal(orjson.dumps(MISSING).decode())}::json"
Fill: TypeAlias = Callable[[Sequence[Call], Principal], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT for `Database.read` of one JSON text, what the answer has as `data`; `fills` give its parameters."""

    sql: str
    fills: tuple[Fill, ...]

    def values(self, calls: Sequence[Call], principal: Principal) -> list[Any]:
        return [fill(calls, principal) for fill in self.fills]


def write(tree: Tree, calls: Sequence[Call]) -> Statement:
    """Of `calls` only their shapes count."""
    writer = _Writer(calls)
    root = _Over("o")
    made = build_object({key: writer.value(value, root) for key, value in tree.root.values.items()})
    organization = f"SELECT {sets_organization(f'{ORGANIZATION}::bigint')}"
    return Statement(f"SELECT ({made})::text FROM {root.rows(organization)}", tuple(writer.fills))


@dataclass(slots=True)
class _Over:
    """Rows under an alias, and what is joined to each of them: always one row, so that none is lost or doubled."""

    row: str
    joins: list[str] = field(default_factory=list[str])

    def rows(self, source: str) -> str:
        return " ".join((f"({source}) AS {self.row}", *self.joins))


class _Writer:
    """Objects are records, of which JSON is made once, with the records inside them: `json_build_object` looks up how
    to write each value, and each name, for each row. Rows that a row points to are joined, which takes less than asking
    for each of them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls
        self._names = 0
        self.fills: list[Fill] = [lambda _, caller: caller.organization_id]

    def value(self, value: Value, over: _Over) -> str:
        """SQL of a JSON, a record, or a value that JSON writes as GraphQL does."""
        match value:
            case Constant(json):
                return f"{literal(json)}::json"
            case Cell(alias):
                return f"{over.row}.{alias}"
            case Members(values, absent):
                made = build_object({key: self.value(one, over) for key, one in values.items()})
                return made if absent is None else f"CASE WHEN {over.row}.{absent} THEN NULL ELSE {made} END"
            case Credential():
                return self.parameter(_credential(value), "json")
            case Single():
                return self._single(value, over)
            case Asked():
                return self._asked(value)
            case Newer():
                return self._newer(value, over.row)
            case Paged():
                return _Page(self, value, cast("ListCall", self._calls[value.place]), over.row).sql()
            case Each() | Total() | Cursor() | PageEnd():
                raise AssertionError("only inside a connection")

    def record(self, values: Mapping[str, str], over: _Over) -> str:
        """A record of each row, by what its members are called."""
        if not values or any(len(key) > MOST_LETTERS for key in values):
            return build_object(values)
        name = self.name()
        columns = ", ".join(f'{sql} AS "{key}"' for key, sql in values.items())
        over.joins.append(f"CROSS JOIN LATERAL (SELECT {columns}) AS {name}")
        return name

    def members(self, members: Members, over: _Over) -> str:
        return self.record({key: self.value(value, over) for key, value in members.values.items()}, over)

    def parameter(self, fill: Fill, kind: str | None = None) -> str:
        """Its number, with its type unless its place says that."""
        self.fills.append(fill)
        return f"${len(self.fills)}" if kind is None else f"${len(self.fills)}::{kind}"

    def name(self) -> str:
        """For rows; no two have the same, so that inner ones hide none."""
        self._names += 1
        return f"q{self._names}"

    def _single(self, single: Single, over: _Over) -> str:
        table, name = single.rows.table, self.name()
        key = ORGANIZATION if single.key is None else f"{over.row}.{single.key}"
        found = self._row(single.rows, single.members, f"{table.key} = {key}")
        over.joins.append(f"LEFT JOIN LATERAL ({found}) AS {name} ON true")
        return f"coalesce(to_json({name}.j), {ABSENT})" if single.required else f"{name}.j"

    def _asked(self, asked: Asked) -> str:
        table = asked.rows.table
        key = self.parameter(_key(asked.place), table.key_type)
        return f"({self._row(asked.rows, asked.members, f'{table.key} = {key}')})"

    def _row(self, rows: Rows, members: Members, condition: str) -> str:
        """SELECT `j`, the object."""
        over = _Over(self.name())
        made, source = self.members(members, over), select(rows, [condition])
        return f"SELECT {made} AS j FROM {over.rows(source)}"

    def _newer(self, newer: Newer, row: str) -> str:
        over, most = _Over(self.name()), self._calls[newer.place].size
        made, children = self.members(newer.members, over), newer.children
        source = select(newer.rows, [f"{children.parent} = {row}.{newer.key}"])
        numbered = over.rows(_numbered(f"{source} ORDER BY {children.newest_first} LIMIT {most}"))
        return f"(SELECT coalesce(json_agg({made} ORDER BY {over.row}.n DESC), '[]'::json) FROM {numbered})"


class _Page:
    """One connection: its rows, numbered from 1 in the direction of reading, and `around` them what is made of each."""

    def __init__(self, writer: _Writer, paged: Paged, call: ListCall, row: str) -> None:
        self._writer, self._paged, self._call, self._row = writer, paged, call, row
        self._over, self._around = _Over(writer.name()), writer.name()
        self._made = [f"{self._over.row}.n"]
        self._counted = False

    @property
    def _size(self) -> int:
        """How many rows are shown. Whoever asks needs the rows. It is no parameter: without knowing it PostgreSQL would
        plan anew each time, which takes as long as the statement."""
        self._counted = True
        return self._call.size

    def sql(self) -> str:
        if self._paged.cursors:
            self._made.append(f"{self._cursor} AS cur")
        made = build_object({key: self._part(value) for key, value in self._paged.values.items()})
        if not self._counted:  # nothing of it is about its rows
            return made
        rows = self._over.rows(self._numbered())
        return f"(SELECT {made} FROM (SELECT {', '.join(self._made)} FROM {rows}) AS {self._around})"

    @cached_property
    def _where(self) -> list[str]:
        listing = self._call.listing
        found: list[str] = []
        for index, condition in enumerate(listing.conditions):
            number = self._writer.parameter(_condition(self._paged.place, index))
            found.append(condition.sql.replace("{}", number))
        if listing.parent is not None:
            found.append(f"{listing.parent} = {self._row}.{self._paged.below}")
        return found

    def _numbered(self) -> str:
        paged, listing, page = self._paged, self._call.listing, self._call.page
        table, order = listing.table, listing.order
        descending = order.descending != page.backward
        by_key = order.sql == table.key
        where = [*self._where]
        if page.bound is not None:
            where.append(self._beyond(by_key, "<" if descending else ">"))
        direction = "DESC" if descending else "ASC"
        ordering = f"{table.key} {direction}" if by_key else f"{order.sql} {direction}, {table.key} {direction}"
        extra = [f"({order.sql})::text AS v", f"{table.key} AS p"] if paged.cursors else []
        limit = self._size + 1 if paged.more else self._size
        return _numbered(f"{select(paged.rows, where, extra)} ORDER BY {ordering} LIMIT {limit}")

    def _beyond(self, by_key: bool, sign: str) -> str:
        table, order = self._call.listing.table, self._call.listing.order
        key = self._writer.parameter(_bound_key(self._paged.place), table.key_type)
        if by_key:
            return f"{table.key} {sign} {key}"
        value = self._writer.parameter(_bound_value(self._paged.place), "text")
        return f"({order.sql}, {table.key}) {sign} ({value}::{order.cast}, {key})"

    @cached_property
    def _cursor(self) -> str:
        """The column of each row that holds its cursor."""
        scope = self._writer.parameter(_scope(self._paged.place), "text")
        if self._paged.below is not None:
            scope = f"{scope} || '.' || {self._row}.{self._paged.below}"
        row = self._over.row
        made = cursor(scope, f"{row}.v", f"{row}.p", self._call.listing.table.key_type)
        return self._writer.record({"cur": made}, self._over) + ".cur"

    def _part(self, value: Value) -> str:
        match value:
            case Constant(json):
                return f"{literal(json)}::json"
            case Each(members, None):
                return self._aggregate(self._writer.members(cast("Members", members), self._over))
            case Each(_, edge):
                parts = {key: self._of_edge(one) for key, one in (edge or {}).items()}
                return self._aggregate(self._writer.record(parts, self._over))
            case Total():
                table = self._call.listing.table
                where = " AND ".join([f"{table.organization} = {ORGANIZATION}", table.live, *self._where])
                return f"(SELECT count(*) FROM {table.rows} WHERE {where})"
            case Members(values):
                return build_object({key: self._end(one) for key, one in values.items()})
            case _:
                raise AssertionError("not in a connection")

    def _of_edge(self, value: Value) -> str:
        if isinstance(value, Members):
            return self._writer.members(value, self._over)
        return self._cursor if isinstance(value, Cursor) else self._part(value)

    def _aggregate(self, made: str) -> str:
        """The list of what is made of each row shown."""
        alias = f"j{len(self._made)}"
        self._made.append(f"{made} AS {alias}")
        direction = "DESC" if self._call.page.backward else "ASC"
        within = f" FILTER (WHERE {self._around}.n <= {self._size})"
        shown = within if self._paged.more else ""
        return f"coalesce(json_agg({self._around}.{alias} ORDER BY {self._around}.n {direction}){shown}, '[]'::json)"

    def _end(self, value: Value) -> str:
        if isinstance(value, Constant):
            return f"{literal(value.json)}::json"
        name, backward = cast("PageEnd", value).name, self._call.page.backward
        if name.startswith("has"):
            ahead = name == ("hasPreviousPage" if backward else "hasNextPage")
            bounded = "true" if self._call.page.bound is not None else "false"
            return f"(count(*) > {self._size})" if ahead else bounded
        first = (name == "startCursor") != backward
        last = f"least(count(*), {self._size})"
        return f"(array_agg({self._around}.cur ORDER BY {self._around}.n))[{'1' if first else last}]"


def build_object(values: Mapping[str, str]) -> str:
    """A JSON object: of what is there once, or of names that no column can have."""
    parts = ", ".join(f"{literal(key)}, {sql}" for key, sql in values.items())
    return f"json_build_object({parts})"


def _numbered(source: str) -> str:
    return f"SELECT row_number() OVER () AS n, s.* FROM ({source}) AS s"


def select(rows: Rows, conditions: Sequence[str], extra: Sequence[str] = ()) -> str:
    table = rows.table
    columns = [*(f"{sql} AS {alias}" for sql, alias in rows.columns.items()), *extra]
    where = " AND ".join([f"{table.organization} = {ORGANIZATION}", table.live, *conditions])
    return f"SELECT {', '.join(columns)} FROM {table.source} WHERE {where}"


def _credential(value: Credential) -> Fill:
    return lambda _, caller: orjson.dumps(value.encode(value.known.read(caller))).decode()


def _key(place: int) -> Fill:
    return lambda calls, _: cast("KeyCall", calls[place]).key


def _condition(place: int, index: int) -> Fill:
    return lambda calls, _: cast("ListCall", calls[place]).listing.conditions[index].value


def _scope(place: int) -> Fill:
    return lambda calls, _: cast("ListCall", calls[place]).scope


def _bound_key(place: int) -> Fill:
    return lambda calls, _: _bound(calls, place).key


def _bound_value(place: int) -> Fill:
    return lambda calls, _: _bound(calls, place).value


def _bound(calls: Sequence[Call], place: int) -> Any:
    return cast("ListCall", calls[place]).page.bound
