"""From a pydantic annotation to a GraphQL one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin

import strawberry
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON

from drippulse_graphql.kit.models import names
from drippulse_graphql.kit.models.enums import ENUMS, LITERALS
from drippulse_graphql.kit.scalars import BigInt

Nested: TypeAlias = Callable[[type[BaseModel]], Any]
INT_MAX: Final = 2**31 - 1
SCALARS: Final[Mapping[Any, Any]] = {
    str: str,
    bool: bool,
    float: float,
    datetime: datetime,
    AwareDatetime: datetime,
    date: date,
    Decimal: float,
    time: str,
}
"""Times of day are texts, amounts numbers, as in REST."""
_literals: dict[str, type[Enum]] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a model, and how models below it become types."""

    model: type[BaseModel]
    field: str
    nested: Nested


def annotation_of(info: FieldInfo, place: Place) -> Any:
    """The GraphQL annotation of a field.

    Raises:
        TypeError: no rule fits; the schema is not built.
    """
    if info.annotation is int and any(getattr(one, "le", 0) > INT_MAX for one in info.metadata):
        _refuse_narrow(place)
    return _typed(info.annotation, place)


def _typed(hint: Any, place: Place) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _typed(arguments[0], place)
    if origin in (Union, UnionType):
        return _union(arguments, place)
    if origin is list:
        return list[_typed(arguments[0], place)]
    if origin is Literal:
        return _literal(arguments, place)
    if hint is Any:
        return JSON | None
    if origin is dict or hint is dict:
        return JSON
    if isinstance(hint, type):
        return _class(hint, place)
    raise TypeError(f"{place.model.__name__}.{place.field}: no GraphQL type for {hint}")


def _union(members: tuple[Any, ...], place: Place) -> Any:
    kept = [member for member in members if member is not NoneType]
    inner = _typed(kept[0], place) if len(kept) == 1 else JSON
    return inner | None if len(kept) < len(members) else inner


def _class(hint: type[Any], place: Place) -> Any:
    if hint in (int, str) and names.is_id(place.model, place.field):
        return strawberry.ID
    if hint is int:
        return BigInt if place.field in names.WIDE else int
    if hint in SCALARS:
        return SCALARS[hint]
    if issubclass(hint, Enum):
        return enum_of(hint)
    if issubclass(hint, BaseModel):
        return place.nested(hint)
    raise TypeError(f"{place.model.__name__}.{place.field}: no GraphQL type for {hint}")


def enum_of(enum: type[Enum]) -> Any:
    """`enum` as the schema knows it; registered at its first use."""
    if not hasattr(enum, "__strawberry_definition__"):
        strawberry.enum(enum, name=ENUMS.get(enum))
    return enum


def _enum(name: str, values: tuple[str, ...]) -> type[Enum]:
    return cast("type[Enum]", Enum(name, {value.upper(): value for value in values}))


@cache
def _literal(values: tuple[Any, ...], place: Place) -> Any:
    """The enum of these values, one for all places that have the same."""
    name = LITERALS.get(values)
    if name is None:
        raise TypeError(f"{place.model.__name__}.{place.field}: name the enum of {values} in LITERALS")
    if name not in _literals:
        _literals[name] = enum_of(_enum(name, values))
    return _literals[name]


def _refuse_narrow(place: Place) -> None:
    if place.field not in names.WIDE and not names.is_id(place.model, place.field):
        raise TypeError(f"{place.model.__name__}.{place.field} may exceed 32 bits; say so in WIDE")


def is_many(annotation: Any) -> bool:
    """Whether a GraphQL annotation is a list, null or not."""
    return any(get_origin(member) is list for member in _members(annotation))


def _members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, UnionType):
        yield from get_args(annotation)
    else:
        yield annotation
