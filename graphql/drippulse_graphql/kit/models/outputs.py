"""GraphQL types made of pydantic models. The value behind one is the JSON object that REST would answer.

A model that has a hand-made type (`shown_as`) or a node (`node_of`) is that type wherever it stands.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeAlias, cast

import strawberry
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from drippulse_graphql.kit.context import Context, Info
from drippulse_graphql.kit.ids import read_key
from drippulse_graphql.kit.models import names
from drippulse_graphql.kit.models.annotations import Place, annotation_of, is_many
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.selection import Row

Read: TypeAlias = Callable[[Row, Info], Any]
_shown: dict[type[BaseModel], Any] = {}
_nodes: dict[type[BaseModel], str] = {}
_made: dict[str, type[BaseModel]] = {}


def shown_as(model: type[BaseModel], declared: Any) -> None:
    """`model` is this type, whose fields are read from the same object. Say so before the first mutation answers it."""
    _refuse_late(model)
    _shown[model] = declared


def node_of(model: type[BaseModel], declared: type) -> None:
    """`model` is this node, loaded by the `id` of the object. Say so before the first mutation answers it."""
    shown_as(model, declared)
    _nodes[model] = declared.__name__


def name_of(model: type[BaseModel]) -> str:
    """What the model's type is called in the schema."""
    declared = _shown.get(model)
    return names.name_of(model) if declared is None else declared.__name__


@cache
def output_type(model: type[BaseModel]) -> Any:
    """Raises TypeError when another model has the name, or a field has no GraphQL type."""
    if model in _shown:
        return _shown[model]
    name = name_of(model)
    if _made.setdefault(name, model) is not model:
        raise TypeError(f"{model} and {_made[name]} are both called {name}; give one another name with `called`")
    model.model_rebuild()  # names of models that were declared later
    identity = names.type_name_of(model)
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        annotation = annotation_of(info, Place(model, field, output_type))
        if identity is not None and field == "id":
            _declare(annotations, members, "id", strawberry.ID, _global(identity), "Global id.")
            _declare(annotations, members, "database_id", strawberry.ID, _plain("id", info), "The id that REST uses.")
        else:
            _declare(annotations, members, field, annotation, reader(model, field, info), info.description, info.alias)
    made = type(name, (), {"__annotations__": annotations, "__module__": __name__, **members})
    return strawberry.type(made, name=name, description=_text(model))


def reader(model: type[BaseModel], field: str, info: FieldInfo) -> Read:
    """How a field's value is read from the object."""
    name = info.alias or field
    node = next((kind for below, kind in _nodes.items() if _holds(info.annotation, below)), None)
    if node is None:
        return _plain(name, info)
    many = is_many(annotation_of(info, Place(model, field, output_type)))
    return _below(name, node, many=many)


def _declare(
    annotations: dict[str, Any],
    members: dict[str, Any],
    field: str,
    annotation: Any,
    read: Read,
    text: str | None,
    alias: str | None = None,
) -> None:
    def resolve(root: strawberry.Parent[Row], info: Info) -> Any:
        return read(root, info)

    resolve.__annotations__ = {"root": strawberry.Parent[Row], "info": Info, "return": annotation}
    annotations[field] = annotation
    members[field] = cast("Any", strawberry.field)(resolver=resolve, description=text, name=alias)


def _plain(name: str, info: FieldInfo) -> Read:
    absent: Any = None if info.is_required() else to_jsonable_python(info.get_default(call_default_factory=True))
    return lambda root, _: root.get(name, absent)


def _global(identity: str) -> Read:
    return lambda root, _: names.global_id(identity, root["id"])


def _below(name: str, node: str, *, many: bool) -> Read:
    async def one(root: Row, info: Info) -> Any:
        value = root.get(name)
        if many:
            return await asyncio.gather(*(load_node(info.context, node, part["id"]) for part in value or ()))
        return None if value is None else await load_node(info.context, node, value["id"])

    return one


def _holds(hint: Any, model: type[BaseModel]) -> bool:
    return hint is model or any(_holds(argument, model) for argument in getattr(hint, "__args__", ()))


def load_node(context: Context, name: str, raw: Any) -> Awaitable[Row | None]:
    """The node with this id of REST."""
    key = read_key(str(raw))
    if key is None:
        raise TypeError(f"{raw!r} is no key of a {name}")
    return context.loader(load_nodes).load((name, key))


def node_name(model: type[BaseModel]) -> str | None:
    return _nodes.get(model)


def _refuse_late(model: type[BaseModel]) -> None:
    if model in _made.values():
        raise TypeError(f"{model.__name__} has become a type already; say it before the mutations are imported")


def _text(model: type[BaseModel]) -> str | None:
    return None if model.__doc__ is None or model.__doc__ == BaseModel.__doc__ else model.__doc__
