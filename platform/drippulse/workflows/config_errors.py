"""pydantic's findings about a step's config, in sentences that name the field and the way out."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from drippulse.kit.text import nearest
from drippulse.kit.validation import fields_at

LARGEST_SHOWN = 10**15
LONGEST_SHOWN = 40
_LENGTHS = {
    "too_short": "needs at least {min_length}, and has {actual_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "string_pattern_mismatch": "does not match the pattern {pattern}",
    "int_parsing_size": "is too large a number",
}
"""In place of the library's sentences, which name the kind of what was sent and not what is wrong with it."""


def describe_errors(model: type[BaseModel], error: ValidationError) -> Iterator[tuple[str, str]]:
    """(path below config with a leading dot, or "" for the config itself; sentence without its full stop).

    Misspelled names come first: they are why others are missing.
    """
    findings = error.errors(include_url=False)
    for details in sorted(findings, key=lambda found: found["type"] != "extra_forbidden"):
        location = details["loc"]
        path = "".join(f".{part}" for part in location)
        yield path, _sentence(model, details)


def _sentence(model: type[BaseModel], details: ErrorDetails) -> str:
    kind, location = details["type"], details["loc"]
    if kind == "extra_forbidden":
        known = fields_at(model, location[:-1])
        suggestion = nearest(str(location[-1]), known)
        meant = f'; did you mean "{suggestion}"?' if suggestion else ""
        return f"is not a field of this step{meant} Known are {', '.join(known)}".replace("step Known", "step. Known")
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return details["msg"].removeprefix("Value error, ")
    if (
        kind in {"enum", "literal_error"}
        and isinstance(details["input"], str)
        and len(details["input"]) <= LONGEST_SHOWN
    ):
        return f'{details["msg"].removeprefix("Input ")}, not "{details["input"]}"'
    if kind in _LENGTHS:
        return _LENGTHS[kind].format(**details.get("ctx", {}))
    message = details["msg"].removeprefix("Input ")
    return f"{message}, not {_shown(details['input'])}"


def _shown(value: Any) -> str:
    """Numbers, true and false are shown; a text may be a secret and only its kind is named."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if abs(value) < LARGEST_SHOWN else "a number of this size"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"
