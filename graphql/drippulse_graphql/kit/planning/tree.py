"""What an operation asks for, as rows below rows: what `compiling` makes and `writing` turns into SQL. Pure.

A `Rows` selects columns from one table under aliases; a `Value` says what JSON a response key gets from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLField

from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.fields import Known, Table
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.rows import Children


class NotPlannedError(Exception):
    """The operation needs the resolvers."""


@dataclass(slots=True)
class Rows:
    """Columns of rows of one table: SQL over it -> alias. `of` is the GraphQL type of the rows."""

    table: Table
    of: str = ""
    columns: dict[str, str] = field(default_factory=dict[str, str])

    def alias(self, sql: str) -> str:
        return self.columns.setdefault(sql, f"c{len(self.columns)}")


@dataclass(frozen=True, slots=True)
class Constant:
    """A JSON text that the document alone decides."""

    json: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A column as it comes."""

    alias: str


@dataclass(slots=True)
class Members:
    """An object over a row; null where the column `absent` holds."""

    values: dict[str, "Value"]
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """What the credential says."""

    known: Known
    encode: Any


@dataclass(slots=True)
class Single:
    """One row by its key: a column of the row above, or the caller's organization where `key` is None."""

    rows: Rows
    members: Members
    key: str | None
    required: bool


@dataclass(slots=True)
class Asked:
    """A row of the root by the argument `id`, which the arguments at `place` hold."""

    rows: Rows
    members: Members
    place: int


@dataclass(slots=True)
class Newer:
    """The newest rows below a row, oldest first."""

    rows: Rows
    members: Members
    children: Children
    key: str
    place: int


@dataclass(slots=True)
class Paged:
    """A connection. `edges` and `nodes` are over its rows; `below` is the column of the row above that they belong to.

    `cursors`: some are asked for. `more`: whether there is another page is.
    """

    rows: Rows
    listed: Listed
    values: dict[str, "Value"]
    below: str | None
    place: int
    cursors: bool = False
    more: bool = False


@dataclass(slots=True)
class Each:
    """Of a connection: one object for each of its rows; `edge`: response keys of the edge, None for plain nodes."""

    members: Members | None
    edge: Mapping[str, "Value"] | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """Of a connection: the length of the whole list."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Of an edge: its cursor."""


@dataclass(frozen=True, slots=True)
class PageEnd:
    """Of a page info: `has_next_page`, `has_previous_page`, `start_cursor` or `end_cursor`."""

    name: str


Value: TypeAlias = (
    Constant | Cell | Members | Credential | Single | Asked | Newer | Paged | Each | Total | Cursor | PageEnd
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where arguments stand in the document, and what has them."""

    node: FieldNode
    field: GraphQLField
    of: Listed | Children | str
    below: "int | None" = None
    """The place whose `id` is the key of the row above; None when that key is not known before the statement."""
    under: tuple[int, ...] = ()
    """The places of the lists that it stands in, by which its rows are multiplied."""


@dataclass(slots=True)
class Tree:
    """One operation."""

    root: Members
    places: list[Place]
    permissions: frozenset[Permission]
    constant: bool
    """No argument depends on a variable."""
