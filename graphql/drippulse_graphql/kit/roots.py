"""Fields of the root, each with its declaration, the permission that it needs, and the operations of REST (by their
ids) that it covers."""

from collections.abc import Callable
from typing import Any, TypeAlias

from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.coverage import covering
from drippulse_graphql.kit.fields import ById, Connected, Group, Resolved, Source, declare
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.kit.relations import any_by_id, by_id, empty, list_resolver

Covers: TypeAlias = tuple[str, ...]


def one(name: str, permission: Permission, description: str, covers: Covers = ()) -> Any:
    """A row of the node type `name` by its id."""
    return _root(ById(name), by_id(name), permission, description, covers)


def node(permission: Permission, description: str, covers: Covers = ()) -> Any:
    """A row of any node type by its id."""
    return _root(ById(), any_by_id, permission, description, covers)


def many(listed: Listed, permission: Permission, description: str, covers: Covers = ()) -> Any:
    """A connection over the whole organization."""
    return _root(Connected(listed), list_resolver(listed), permission, description, covers)


def group(permission: Permission, description: str, covers: Covers = ()) -> Any:
    """An object whose fields say by themselves where they come from."""
    return _root(Group(), empty, permission, description, covers)


def made(resolver: Callable[..., Any], permission: Permission, description: str, covers: Covers = ()) -> Any:
    """Whatever `resolver` answers."""
    return _root(Resolved(), resolver, permission, description, covers)


def _root(
    source: Source, resolver: Callable[..., Any], permission: Permission, description: str, covers: Covers
) -> Any:
    return declare(
        source,
        resolver=resolver,
        description=description,
        extensions=[Requires(permission)],
        metadata=covering(covers),
    )
