"""Fields that lead to other rows, each with the resolver that its declaration means."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import strawberry

from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.connections import connect, connect_child
from drippulse_graphql.kit.context import Context, Info
from drippulse_graphql.kit.fields import (
    Connected,
    Known,
    Newest,
    OwnOrganization,
    ToOne,
    declare,
    key_alias,
)
from drippulse_graphql.kit.ids import decode_id, key_of
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.rows import Children, checked_last, newest_children
from drippulse_graphql.kit.selection import Row

DEFAULT_LAST = 200
Load: TypeAlias = Callable[[Context, list[Any]], Awaitable[list[list[Row]]]]


def to_one(name: str, *, key: str, description: str | None = None) -> Any:
    """The row of the node type `name` whose key is the expression `key` over this row."""
    alias = key_alias(key)

    async def resolve(parent: strawberry.Parent[Row], info: Info) -> Row | None:
        value = parent[alias]
        return None if value is None else await info.context.loader(load_nodes).load((name, value))

    return declare(ToOne(name, key), resolver=resolve, description=description)


def own_organization(name: str) -> Any:
    """The row of the caller's organization."""

    async def resolve(info: Info) -> Row | None:
        return await info.context.loader(load_nodes).load((name, info.context.organization_id))

    return declare(OwnOrganization(name), resolver=resolve)


def newest(children: Children, *, key: str, description: str | None = None) -> Any:
    """The newest rows of `children`, as many as the argument `last` says, oldest first."""
    alias = key_alias(key)
    load = _loads(children)

    async def resolve(parent: strawberry.Parent[Row], info: Info, last: int = DEFAULT_LAST) -> list[Row]:
        return await info.context.loader(load).load((parent[alias], checked_last(last)))

    return declare(Newest(children, key), resolver=resolve, description=description)


def connected(listed: Listed, *, key: str | None = None, description: str | None = None) -> Any:
    """A connection, below this row when its `key` is given, else of the whole organization."""
    return declare(Connected(listed, key), resolver=list_resolver(listed, key), description=description)


def list_resolver(listed: Listed, key: str | None = None) -> Callable[..., Any]:
    """With the arguments that the list has."""

    async def below(parent: strawberry.Parent[Row], info: Info, **arguments: Any) -> Row:
        value = parent[key_alias(key or "")]
        listing, scope, page = listed.read(arguments, value)
        return await connect_child(info.context, listing, scope, page, value)

    async def whole(info: Info, **arguments: Any) -> Row:
        listing, scope, page = listed.read(arguments)
        return await connect(info.context, listing, scope, page)

    resolve = whole if key is None else below
    given = [one for one in inspect.signature(resolve).parameters.values() if one.kind is not one.VAR_KEYWORD]
    arguments = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in list_arguments(listed).items()
    ]
    resolve.__signature__ = inspect.Signature([*given, *arguments])  # type: ignore[attr-defined]  # pyright: ignore
    return resolve


def list_arguments(listed: Listed) -> Mapping[str, Any]:
    """Name -> annotation, all of them null when left out."""
    own = {"filter": listed.filter, "order_by": listed.order_by}
    paging = {"first": int | None, "after": str | None, "last": int | None, "before": str | None}
    return {**paging, **{name: kind | None for name, kind in own.items() if kind is not None}}


def by_id(name: str) -> Callable[..., Any]:
    """The resolver of a root field that answers one row by its id; null for unknown ids."""

    async def resolve(info: Info, id: strawberry.ID) -> Row | None:  # noqa: A002 - the argument's name in the schema
        return await info.context.loader(load_nodes).load((name, key_of(id, name)))

    return resolve


async def any_by_id(info: Info, id: strawberry.ID) -> Row | None:  # noqa: A002 - the argument's name in the schema
    """The resolver of `node`."""
    return await info.context.loader(load_nodes).load(decode_id(id))


def known(read: Callable[[Principal], Any], *, description: str | None = None) -> Any:
    """What the credential says."""

    def resolve(info: Info) -> Any:
        return read(info.context.principal)

    return declare(Known(read), resolver=resolve, description=description)


def empty() -> Row:
    """The resolver of an object without a row of its own."""
    return {}


def _loads(children: Children) -> Load:
    async def load(context: Context, keys: list[Any]) -> list[list[Row]]:
        return await newest_children(context, children, keys)

    return load
