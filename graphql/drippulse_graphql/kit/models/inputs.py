"""GraphQL inputs made of pydantic models.

What the caller leaves out stays unset in the model and null is null, so that a partial update means what it means in
REST. Where there is nothing to empty, null in a field that has a default and is never null is as good as left out, as
the schema promises, in which such a field may be null. Values arrive at the model as the JSON that REST would have
read: enums by value, moments as text, ids as REST's.
"""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Final, cast, get_args

import strawberry
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from strawberry.types.field import StrawberryField

from drippulse_graphql.kit.models import names
from drippulse_graphql.kit.models.annotations import Place, annotation_of

MODEL: Final = "__pydantic_model__"
_taken: dict[str, type[BaseModel]] = {}


def input_type(name: str, model: type[BaseModel] | None, others: Mapping[str, tuple[Any, Any]], text: str = "") -> Any:
    """An input with `others` (name -> annotation, field) and the fields of the model.

    Raises:
        TypeError: a field of the model has the name of one of the others, or no GraphQL type.
    """
    shown = {} if model is None else model.model_fields
    if both := others.keys() & shown.keys():
        raise TypeError(f"{name}: {', '.join(both)} is declared twice")
    annotations = {field: annotation for field, (annotation, _) in others.items()}
    members = {field: member for field, (_, member) in others.items()}
    for field, info in shown.items():
        annotations[field], members[field] = _field(cast("type[BaseModel]", model), field, info)
    made = type(name, (), {"__annotations__": annotations, "__module__": __name__, MODEL: model, **members})
    return strawberry.input(made, name=name, description=text or None)


@cache
def nested_input(model: type[BaseModel]) -> Any:
    """The input of a model below another one: `SourceConfigInput`."""
    name = f"{names.name_of(model).removesuffix('Input')}Input"
    if _taken.setdefault(name, model) is not model:
        raise TypeError(f"{model} and {_taken[name]} are both called {name}")
    return input_type(name, model, {}, model.__doc__ or "")


def _field(model: type[BaseModel], field: str, info: FieldInfo) -> tuple[Any, StrawberryField]:
    annotation = annotation_of(info, Place(model, field, nested_input))
    described = {"description": info.description, "name": info.alias}
    if info.is_required() and type(None) not in get_args(annotation):
        return annotation, cast("Any", strawberry.field)(**described)
    return annotation | None, cast("Any", strawberry.field)(default=strawberry.UNSET, **described)


def given(value: Any, *, partial: bool = True) -> dict[str, Any]:
    """What a caller said in an input, as JSON under the model's own names; what they left out is left out.

    Args:
        partial: it changes something that is there; null says something in every field.

    Raises:
        InvalidIdError: the global id of another type.
    """
    model: type[BaseModel] = getattr(value, MODEL)
    found: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        member = getattr(value, field)
        if member is strawberry.UNSET or (member is None and not partial and _never_null(info)):
            continue
        is_id = names.is_id(model, field)
        found[info.alias or field] = _id(info, field, member) if is_id else plain(member, partial=partial)
    return found


def plain(value: Any, *, partial: bool = True) -> Any:
    """A value of the schema as JSON."""
    if hasattr(value, MODEL):
        return given(value, partial=partial)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(member, partial=partial) for member in cast("list[Any]", value)]
    return value


def _never_null(info: FieldInfo) -> bool:
    """Whether a field with a default is one that is never null."""
    return not info.is_required() and info.annotation is not Any and NoneType not in get_args(info.annotation)


def _id(info: FieldInfo, field: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_id(info, field, member) for member in cast("list[Any]", value)]
    if value is None:
        return None
    raw = names.raw_id(value, names.target_of(field), field)
    return names.number_of(raw, field) if _numeric(info.annotation) else raw


def _numeric(hint: Any) -> bool:
    return hint is int or any(_numeric(argument) for argument in get_args(hint))
