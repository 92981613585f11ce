"""What a custom field takes. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, cast
from urllib.parse import urlsplit

from drippulse.crm.custom_fields.tables import FieldType
from drippulse.kit.addresses import normalize_address
from drippulse.kit.filters import Kind
from drippulse.kit.text import did_you_mean

MAX_TEXT: Final = 10_000
KINDS: Final[Mapping[FieldType, Kind]] = {
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.TIMESTAMP: Kind.TIMESTAMP,
    FieldType.DATE: Kind.TIMESTAMP,
}
"""What filters compare it as; the others as text."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A custom field as values are checked by it."""

    key: str
    label: str
    type: FieldType
    options: tuple[str, ...] = ()
    required: bool = False
    default: Any = None


def check_value(definition: Definition, value: Any) -> Any:
    """The value as it is stored, from JSON or from a cell of a file (texts). Raises ValueError with a sentence."""
    return _CHECKS[definition.type](definition, value)


def check_values(
    definitions: Mapping[str, Definition], values: Mapping[str, Any], *, creating: bool
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The values as they are stored, and the sentences by field path. Null takes a value away.

    With `creating` defaults are filled in and required ones must be there.
    """
    errors: dict[str, list[str]] = {}
    stored: dict[str, Any] = {}
    for key, value in values.items():
        definition = definitions.get(key)
        if definition is None:
            known = f" The custom fields are {', '.join(definitions)}." if definitions else " None is defined yet."
            errors[f"custom_fields.{key}"] = [f"Unknown custom field.{did_you_mean(key, definitions)}{known}"]
        elif value is None:
            stored[key] = None
        else:
            try:
                stored[key] = check_value(definition, value)
            except ValueError as error:
                errors[f"custom_fields.{key}"] = [str(error)]
    for definition in definitions.values() if creating else ():
        if stored.get(definition.key) is None and definition.default is not None and definition.key not in values:
            stored[definition.key] = definition.default
    for definition in definitions.values():
        gone = definition.key in stored and stored[definition.key] is None
        missing = creating and definition.key not in stored and f"custom_fields.{definition.key}" not in errors
        if definition.required and (gone or missing):
            errors[f"custom_fields.{definition.key}"] = ["This custom field is required."]
    return stored, errors


def _text(_: Definition, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"Must be a text of at most {MAX_TEXT} characters.")
    return value


def _number(_: Definition, value: Any) -> float | int:
    read = value
    if isinstance(value, str):
        try:
            read = float(value)
        except ValueError:
            read = None
    if isinstance(read, bool) or not isinstance(read, int | float) or not math.isfinite(read) or abs(read) > 1e15:
        raise ValueError("Must be a number such as 12.5.")
    return int(read) if isinstance(read, float) and read.is_integer() else read


def _whole(definition: Definition, value: Any) -> int:
    try:
        read = _number(definition, value)
    except ValueError:
        read = 0.5
    if not isinstance(read, int):
        raise ValueError("Must be a whole number such as 12.")
    return read


def _boolean(_: Definition, value: Any) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    read = words.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(read, bool):
        raise ValueError("Must be true or false.")
    return read


def _date(_: Definition, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError('Must be a date such as "2026-03-31".') from None


def _timestamp(_: Definition, value: Any) -> str:
    try:
        read = datetime.fromisoformat(value)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError('Must be a time such as "2026-03-31T09:00:00Z".') from None
    return read.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _option(definition: Definition, value: Any) -> str:
    if value not in definition.options:
        hint = did_you_mean(value, definition.options) if isinstance(value, str) else ""
        raise ValueError(f"Must be one of {', '.join(definition.options)}.{hint}")
    return str(value)


def _options(definition: Definition, value: Any) -> list[str]:
    parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("Must be a list of options.")
    return list(dict.fromkeys(_option(definition, part) for part in cast("list[Any]", parts)))


def _url(definition: Definition, value: Any) -> str:
    text = _text(definition, value)
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        right = False
    if not right:
        raise ValueError('Must be a URL such as "https://example.com".')
    return text


def _email(definition: Definition, value: Any) -> str:
    address = normalize_address(_text(definition, value))
    if address is None:
        raise ValueError("Must be an e-mail address such as ana@example.com.")
    return address


_CHECKS: Final[Mapping[FieldType, Callable[[Definition, Any], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.INTEGER: _whole,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.TIMESTAMP: _timestamp,
    FieldType.SELECT: _option,
    FieldType.MULTI_SELECT: _options,
    FieldType.URL: _url,
    FieldType.EMAIL: _email,
}
