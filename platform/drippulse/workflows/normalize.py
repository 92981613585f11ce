"""The canonical shape of steps: {id, type, name, position, config}, everything else inside `config`."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard, cast

from drippulse.workflows.errors import InvalidStepGraphError

CanonicalStep: TypeAlias = dict[str, Any]
IdFactory: TypeAlias = Callable[[int], str]

MAX_STEPS = 200
MAX_ID = 100
MAX_NAME = 200
MAX_JSON_DEPTH = 40
CANONICAL_KEYS = frozenset({"id", "type", "name", "position", "config"})


def numbered_id(number: int) -> str:
    """`step_1`, `step_2`, …; the number is the step's place, or the next that is free."""
    return f"step_{number}"


def normalize_steps(raw: Any, new_id: IdFactory = numbered_id) -> list[CanonicalStep]:
    """Canonical steps in the order they were given, `position` counted from 0.

    Other top-level keys move into `config`; where both have a key, the explicit `config` wins. A step without an id
    gets `new_id(number)`, with growing numbers until one is free. Doing it twice changes nothing more.

    Raises:
        InvalidStepGraphError: what was given is no list of at most 200 step objects with ids of their own.
    """
    if not isinstance(raw, list):
        raise InvalidStepGraphError(
            'Send `steps` as a list of objects such as {"type": "log", "config": {"message": "Hello"}}.',
            errors={"steps": ["must be a list of step objects"]},
        )
    steps = cast("list[Any]", raw)
    if len(steps) > MAX_STEPS:
        raise InvalidStepGraphError(
            f"A workflow has at most {MAX_STEPS} steps; this one has {len(steps)}. Split it into several workflows.",
            errors={"steps": [f"has {len(steps)} steps; at most {MAX_STEPS} are accepted"]},
        )
    errors: dict[str, list[str]] = {}
    shaped = [_shaped(index, step, errors) for index, step in enumerate(steps)]
    _refuse_duplicates(shaped, errors)
    if errors:
        raise InvalidStepGraphError(first_sentence(errors, shaped), errors=errors)
    _assign_ids(shaped, new_id)
    return shaped


def first_sentence(errors: dict[str, list[str]], steps: list[CanonicalStep]) -> str:
    """Names the first finding by step number, name and field, and says where to look things up."""
    path, messages = next(iter(errors.items()))
    parts = path.split(".", 2)
    more = sum(map(len, errors.values())) - 1
    rest = f" There {'is 1 more problem' if more == 1 else f'are {more} more problems'} in `errors`." if more else ""
    where = "The workflow"
    if len(parts) > 1:
        number = int(parts[1])
        name = steps[number].get("name") or steps[number].get("type") or "unnamed"
        field = f": `{parts[2].removeprefix('config.')}`" if len(parts) > 2 else ""
        where = f'Step {number + 1} ("{name}"){field}'
    return f"{where} {messages[0].rstrip('.')}. GET /api/v1/workflows/step_types describes every step type.{rest}"


def _shaped(index: int, step: Any, errors: dict[str, list[str]]) -> CanonicalStep:
    path = f"steps.{index}"
    if not _is_object(step):
        errors[path] = ["must be an object with `type`, `name` and `config`"]
        return {"id": "", "type": "", "name": "", "position": index, "config": {}}
    if too_deep(step):
        errors[path] = [f"is nested more than {MAX_JSON_DEPTH} levels deep"]
        step = {key: step[key] for key in ("type", "name") if isinstance(step.get(key), str)}
    config = step.get("config")
    if config is not None and not _is_object(config):
        errors[f"{path}.config"] = ["must be an object"]
        config = None
    kind = step.get("type")
    if not isinstance(kind, str) or not kind.strip():
        errors[f"{path}.type"] = ["is missing: name a step type, such as `email`"]
        kind = ""
    extras = {key: value for key, value in step.items() if key not in CANONICAL_KEYS}
    return {
        "id": _text(step, "id", path, MAX_ID, errors),
        "type": kind.strip(),
        "name": _text(step, "name", path, MAX_NAME, errors) or kind.strip(),
        "position": index,
        "config": {**extras, **(config or {})},
    }


def too_deep(value: Any) -> bool:
    """Whether JSON is nested deeper than anything here can mean; checked level by level, without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for item in level if isinstance(item, dict | list) for child in _children(item)]  # pyright: ignore[reportUnknownArgumentType] - JSON
        if not level:
            return False
    return True


def _children(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


def _text(step: dict[str, Any], key: str, path: str, longest: int, errors: dict[str, list[str]]) -> str:
    value = step.get(key)
    text = "" if value is None else str(value).strip() if _is_id(value) else None
    if text is None or len(text) > longest:
        errors[f"{path}.{key}"] = [f"must be a text of at most {longest} characters"]
        return ""
    return text


def _is_id(value: Any) -> bool:
    """Numbers are taken as ids too; absurdly long ones are not."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)  # pyright: ignore[reportUnknownVariableType] - JSON


def _refuse_duplicates(steps: list[CanonicalStep], errors: dict[str, list[str]]) -> None:
    first: dict[str, int] = {}
    for index, step in enumerate(steps):
        if step["id"] and first.setdefault(step["id"], index) != index:
            message = f'"{step["id"]}" is also the id of step {first[step["id"]] + 1}; give each step an id of its own'
            errors.setdefault(f"steps.{index}.id", []).append(message)


def _assign_ids(steps: list[CanonicalStep], new_id: IdFactory) -> None:
    taken = {step["id"] for step in steps if step["id"]}
    for index, step in enumerate(steps):
        number = index + 1
        while not step["id"]:
            candidate = new_id(number)
            number += 1
            if candidate not in taken:
                taken.add(candidate)
                step["id"] = candidate
