"""Permissions: every root field declares the one it needs."""

from collections.abc import Awaitable, Callable
from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.types import get_object_definition

from drippulse.organizations.policy import Permission, require
from drippulse_graphql.kit.context import Info


class Requires(FieldExtension):
    """Refuses callers whose role does not grant `permission`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def resolve_async(self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any) -> Any:
        require(info.context.principal, self.permission)
        return await next_(source, info, **kwargs)


def check_permissions(root: type) -> None:
    """Raises TypeError when a root field declares no permission; called while the schema is built."""
    definition = get_object_definition(root, strict=True)
    for field in definition.fields:
        declared = [extension for extension in field.extensions if isinstance(extension, Requires)]
        if len(declared) != 1:
            raise TypeError(f"{definition.name}.{field.python_name} must declare exactly one permission")
