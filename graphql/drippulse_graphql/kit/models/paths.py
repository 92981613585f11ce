"""Where an error is, as the caller of GraphQL spells it."""

from typing import Any, get_args

from pydantic import BaseModel
from strawberry.utils.str_converters import to_camel_case


def graphql_path(model: type[BaseModel] | None, path: str) -> str:
    """`branding.public_name` -> `branding.publicName`. What stands inside free JSON keeps its spelling."""
    parts: list[str] = []
    current, free = model, False
    for part in path.split("."):
        info = None if current is None else current.model_fields.get(part)
        parts.append(part if free or part.isdigit() else to_camel_case(part))
        if not part.isdigit() and current is not None:
            current = None if info is None else _model_in(info.annotation)
            free = current is None
    return ".".join(parts)


def _model_in(hint: Any) -> type[BaseModel] | None:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((found for argument in get_args(hint) if (found := _model_in(argument))), None)
