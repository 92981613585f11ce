"""Field declarations: where each field's value comes from, written beside the field and nowhere else.

`source_of(field)` reads a declaration back. Resolvers are made of it, and so is the SQL of whole operations
(`kit/planning`): a `Column`, a `GlobalId` and an `Embedded` are SQL over the type's `Table`; `ToOne`, `Newest` and
`Connected` say which other rows belong to this one; `Known` is what the caller's credential says. Only a `Resolved`
field is made in Python, from the columns that it names, and takes its whole operation to the resolvers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from drippulse.organizations.policy import Principal

if TYPE_CHECKING:
    from drippulse_graphql.kit.lists import Listed
    from drippulse_graphql.kit.rows import Children

SOURCE = "drippulse.source"
Resolver: TypeAlias = Callable[..., Any]
Keys: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Where a type's rows are: `FROM {source} WHERE {organization} = $1 AND {live}`, each row known by `key`.

    `key_type` is bigint or uuid. `counted`: what rows are counted in, where `source` joins what drops and adds none.
    """

    source: str
    organization: str
    key: str
    live: str = "true"
    key_type: str = "bigint"
    counted: str | None = None

    @property
    def rows(self) -> str:
        """Where its rows are counted."""
        return self.counted or self.source


@dataclass(frozen=True, slots=True)
class Column:
    """A column or an expression over the type's table. `decode` turns its value, unless null, into the field's."""

    sql: str
    decode: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The Relay id made of the type's name and this column, the table's key."""

    sql: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object whose own columns are expressions over the same row; null where `absent` (a condition) holds."""

    absent: str | None = None


@dataclass(frozen=True, slots=True)
class ToOne:
    """The row of the node type `name` whose key is `key`, an expression over this row; null where it is null."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class OwnOrganization:
    """The row of the caller's organization."""

    name: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest `last` of `children` below the row with this `key`, oldest first."""

    children: "Children"
    key: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection: the rows of `listed`, of the whole organization or below the row with this `key`."""

    listed: "Listed"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ById:
    """Of the root: the row of the node type `name`, or of any, that the argument `id` means."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the credential says: a value that costs nothing to know."""

    read: Callable[[Principal], Any]


@dataclass(frozen=True, slots=True)
class Group:
    """An object without a row of its own."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Made in Python; `keys` are the columns of this row that it needs, by the name it reads them under."""

    keys: Keys = field(default_factory=dict[str, str])


Source: TypeAlias = (
    Column | GlobalId | Embedded | ToOne | OwnOrganization | Newest | Connected | ById | Known | Group | Resolved
)


def key_alias(key: str) -> str:
    """The name under which a row holds what a relation asks by."""
    return f"#{key}"


def column(sql: str, *, decode: Callable[[Any], Any] | None = None, description: str | None = None) -> Any:
    return declare(Column(sql, decode), description=description)


def global_id(sql: str) -> Any:
    return declare(GlobalId(sql), description="Global id, for `node` and everywhere an id is asked for.")


def embedded(*, absent: str | None = None, description: str | None = None) -> Any:
    return declare(Embedded(absent), description=description)


def resolved(
    resolver: Resolver,
    *,
    keys: Keys | None = None,
    description: str | None = None,
    extensions: list[FieldExtension] | None = None,
) -> Any:
    return declare(Resolved(keys or {}), resolver=resolver, description=description, extensions=extensions)


def source_of(declared: StrawberryField) -> Source | None:
    """The declaration of a field; None for members of plain values (page infos, payloads)."""
    return declared.metadata.get(SOURCE)


def declare(
    source: Source,
    *,
    resolver: Resolver | None = None,
    description: str | None = None,
    extensions: list[FieldExtension] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """A field with its declaration."""
    return cast("Any", strawberry.field)(
        resolver=resolver,
        description=description,
        metadata={SOURCE: source, **(metadata or {})},
        extensions=extensions or [],
    )
