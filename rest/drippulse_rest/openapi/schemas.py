"""The schemas of the models that routes take and answer."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias, cast

from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from drippulse.workflows.schemas import StepIn
from drippulse_rest.kit.problems import Problem
from drippulse_rest.kit.routes import Documented

Json: TypeAlias = dict[str, Any]
REF: Final = "#/components/schemas/"
TIME: Final = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
ANSWERS: Final = ("Out", "List")


class Schemas:
    """Every model of these routes, and where each stands in the document."""

    def __init__(self, handlers: Sequence[HTTPRouteHandler]) -> None:
        models = list(dict.fromkeys([Problem, StepIn, *_models(handlers)]))
        kinds = [(model, "serialization" if model.__name__.endswith(ANSWERS) else "validation") for model in models]
        places, schema = models_json_schema(cast("Any", kinds), ref_template=REF + "{model}")
        references = {cast("type[BaseModel]", model): str(place["$ref"]) for (model, _), place in places.items()}
        plain = _plain_names(references)
        self._references = {model: plain.get(place, place) for model, place in references.items()}
        self.components = _renamed(schema.get("$defs", {}), plain)
        for component in self.components.values():
            _drop_impossible_defaults(component)
            _say_times_as_we_do(component)

    def reference(self, model: type[BaseModel]) -> Json:
        return {"$ref": self._references[model]}

    def others(self, model: type[BaseModel]) -> Json:
        """What else an object around the model's fields may have: what the model itself may have."""
        component = self.components[self._references[model].removeprefix(REF)]
        named = "additionalProperties"
        return {named: component[named]} if named in component else {}


def _models(handlers: Sequence[HTTPRouteHandler]) -> Iterator[type[BaseModel]]:
    for handler in handlers:
        documented: Documented = handler.opt["documented"]
        if documented.body:
            yield documented.body.model
        yield from (model for model in (documented.answer, documented.problem) if model is not None)
        yield from documented.other_statuses.values()


def _plain_names(references: dict[type[BaseModel], str]) -> dict[str, str]:
    """Pydantic puts the module before names that two models have. The one that a route names itself gets it plain."""
    names = [model.__name__ for model in references]
    return {
        place: REF + model.__name__
        for model, place in references.items()
        if names.count(model.__name__) == 1 and place.endswith(f"__{model.__name__}")
    }


def _renamed(schemas: Json, names: dict[str, str]) -> Json:
    moved = {names.get(REF + name, REF + name).removeprefix(REF): schema for name, schema in schemas.items()}
    return cast("Json", _refer(moved, names))


def _refer(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        members = cast("Json", value)
        return {key: names.get(v, v) if key == "$ref" else _refer(v, names) for key, v in members.items()}
    if isinstance(value, list):
        return [_refer(element, names) for element in cast("list[Any]", value)]
    return value


def _drop_impossible_defaults(schema: Json) -> None:
    """`None` in a model says that a field was left out; a default of null where null is refused would be a lie."""
    for field in cast("Json", schema.get("properties", {})).values():
        if field.get("default", ...) is None and not _takes_null(field):
            del field["default"]


def _say_times_as_we_do(schema: Any) -> None:
    """JSON Schema's `time` has an offset; ours are times of a wall clock."""
    if isinstance(schema, dict):
        members = cast("Json", schema)
        if members.get("format") == "time":
            del members["format"]
            members["pattern"] = TIME
    inner: list[Any] = list(cast("Json", schema).values()) if isinstance(schema, dict) else []
    for value in [*inner, *(cast("list[Any]", schema) if isinstance(schema, list) else [])]:
        _say_times_as_we_do(value)


def _takes_null(schema: Json) -> bool:
    options = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    if options:
        return any(_takes_null(option) for option in options)
    types = schema.get("type", "null" if "$ref" not in schema else "object")
    return "null" in ([types] if isinstance(types, str) else types)
