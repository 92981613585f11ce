"""OpenAPI 3.1 -> 3.0, for the bundled Swagger UI, which knows no 3.1. Pure."""

from typing import Any, cast

KEPT_TYPE = "string"


def as_openapi_30(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with `null` types as `nullable`, `const` as `enum` and `examples` as `example`."""
    return {**cast("dict[str, Any]", _converted(document)), "openapi": "3.0.3"}


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(element) for element in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    schema = {name: _converted(member) for name, member in cast("dict[str, Any]", value).items()}
    if isinstance(schema.get("anyOf"), list):
        schema = _without_null_option(schema)
    if isinstance(schema.get("type"), list):
        schema = _with_one_type(schema)
    if "const" in schema and "enum" not in schema:
        schema["enum"] = [schema.pop("const")]
    if isinstance(schema.get("examples"), list) and schema["examples"]:
        schema["example"] = schema.pop("examples")[0]
    return schema


def _without_null_option(schema: dict[str, Any]) -> dict[str, Any]:
    options = cast("list[Any]", schema["anyOf"])
    others = [option for option in options if option != {"type": "null"}]
    if len(others) == len(options):
        return schema
    rest = {name: member for name, member in schema.items() if name != "anyOf"}
    if len(others) == 1 and "$ref" not in others[0]:
        return {**others[0], **rest, "nullable": True}
    return {**rest, "allOf" if len(others) == 1 else "anyOf": others, "nullable": True}


def _with_one_type(schema: dict[str, Any]) -> dict[str, Any]:
    types = [name for name in cast("list[str]", schema["type"]) if name != "null"]
    nullable = {"nullable": True} if "null" in schema["type"] else {}
    return {**schema, "type": types[0] if types else KEPT_TYPE, **nullable}
