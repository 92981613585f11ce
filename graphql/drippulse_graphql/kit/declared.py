"""What reads and mutations of the root are declared with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strawberry.types.field import StrawberryField

from drippulse.kit.db import Session
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.models import names


@dataclass(frozen=True, slots=True)
class Subject:
    """What a field is about: objects of a type, whose ids in REST are numbers or else texts."""

    type_name: str
    numeric: bool = True

    def read_id(self, given: str, field: str = "id") -> Any:
        """As REST has it, from a global id or from that itself. Raises InvalidIdError."""
        raw = names.raw_id(given, self.type_name, field)
        return names.number_of(raw, field) if self.numeric else raw


@dataclass(frozen=True)
class Declared:
    """A declared field of a root: its name in Python, and the field that it is made of once the schema is built."""

    name: str
    make: Callable[[], StrawberryField]

    @cached_property
    def field(self) -> StrawberryField:
        """Its types are made now: every feature has said by then what its models are in the schema."""
        return self.make()


class Asking:
    """What the function behind a field gets from its `context`."""

    context: Context
    __slots__ = ()

    @property
    def principal(self) -> Principal:
        return self.context.principal

    @property
    def services(self) -> AppServices:
        return self.context.services

    @property
    def session(self) -> Session:
        """The open transaction. Raises RuntimeError in a mutation that runs apart."""
        return self.context.session
