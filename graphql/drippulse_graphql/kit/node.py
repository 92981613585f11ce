"""The Relay `Node` interface."""

from typing import Any

import strawberry

from drippulse_graphql.kit.selection import TYPENAME


@strawberry.interface(description="Anything with a global id.")
class Node:
    id: strawberry.ID

    @classmethod
    def resolve_type(cls, value: dict[str, Any], *_: object) -> str:
        return value[TYPENAME]

    @classmethod
    def is_type_of(cls, value: dict[str, Any], *_: object) -> bool:
        return value[TYPENAME] == cls.__name__
