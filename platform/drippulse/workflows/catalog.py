"""`GET /workflows/step_types`: every step type, described by its own model."""

from functools import lru_cache
from typing import Any, cast

from drippulse.workflows.steps.base import StepType
from drippulse.workflows.steps.registry import all_types


@lru_cache(maxsize=1)
def step_types() -> dict[str, Any]:
    """{step_types: [{type, label, category, description, config_schema, fields, outputs, guarantee, test_behaviour}],
    total_count}. `fields` are [{name, type, required, default, help}]."""
    described = [_describe(step) for step in all_types().values()]
    return {"step_types": described, "total_count": len(described)}


def _describe(step: StepType[Any]) -> dict[str, Any]:
    schema = cast("dict[str, Any]", step.config_model.model_json_schema(by_alias=True))
    return {
        "type": step.type,
        "label": step.label,
        "category": step.category.value,
        "description": step.description,
        "config_schema": schema,
        "fields": _fields(schema),
        "outputs": dict(step.outputs),
        "guarantee": step.guarantee.value,
        "test_behaviour": step.test_behaviour,
    }


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    properties = cast("dict[str, dict[str, Any]]", schema["properties"])
    return [
        {
            "name": name,
            "type": _type_word(shape, schema),
            "required": name in schema.get("required", ()),
            "default": shape.get("default"),
            "help": shape["description"],
        }
        for name, shape in properties.items()
    ]


def _type_word(shape: dict[str, Any], schema: dict[str, Any]) -> str:
    """One word for a builder: string, integer, number, boolean, array, object, enum or any."""
    if "$ref" in shape:
        return _type_word(schema["$defs"][shape["$ref"].rsplit("/", 1)[-1]], schema)
    if "enum" in shape:
        return "enum"
    for option in shape.get("anyOf", ()):
        if option.get("type") != "null":
            return _type_word(option, schema)
    return str(shape.get("type", "any"))
