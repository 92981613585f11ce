"""Liquid inside configs: checked at save and rendered wherever a text stands, however deep in a JSON value."""

from collections.abc import Iterator
from typing import Any, cast

from drippulse.workflows.steps.base import Problem, StepContext
from drippulse.workflows.templates import shared_templates

MAX_DEPTH = 20


def template_problems(path: str, value: Any, depth: int = 0) -> Iterator[Problem]:
    """One problem for each text in `value` that does not parse, at its own path (`payload.items.0.name`)."""
    if depth > MAX_DEPTH:
        yield Problem(path, f"is nested more than {MAX_DEPTH} levels deep")
    elif isinstance(value, str):
        error = shared_templates().parse_error(value)
        if error is not None:
            yield Problem(path, f"is not a valid Liquid template: {error}")
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from template_problems(f"{path}.{key}", item, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from template_problems(f"{path}.{index}", item, depth + 1)


def render_json(value: Any, ctx: StepContext) -> Any:
    """`value` with every text in it rendered; keys, numbers, true, false and null stay as they are."""
    if isinstance(value, str):
        return ctx.render(value)
    if isinstance(value, dict):
        return {key: render_json(item, ctx) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [render_json(item, ctx) for item in cast("list[Any]", value)]
    return value
