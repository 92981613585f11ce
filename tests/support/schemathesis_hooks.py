"""What a schema cannot say, told to Schemathesis: `make schemathesis` loads this."""

import uuid
from typing import Any, cast

import schemathesis

from tests.support.schemathesis_formats import use_storable_formats

use_storable_formats()

KEY = "Idempotency-Key"
INSTEAD: dict[str, Any] = {"custom_fields": {}, "customFields": {}, "required": False}
"""Custom fields are those that an organization has defined; one that is required is missed by everything after it."""
OPAQUE = "cursor"
"""Made by the list that it goes on with; made up it is refused."""
SORT, OWN_FIELD = "sort", "custom."
"""Custom fields sort as well, those that the organization has."""


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType] - untyped callables
def before_call(context: schemathesis.HookContext, case: Any, kwargs: dict[str, Any]) -> None:
    """Requests that have to be refused stay as they are."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.headers and KEY in case.headers:  # the same key with another request is refused by intention
        case.headers[KEY] = str(uuid.uuid4())
    body: Any = case.body
    sent = _sendable(body)
    if repr(sent) != repr(body):  # setting it is taken for a change
        case.body = sent
    query: dict[str, Any] = case.query or {}
    for name in [name for name, value in query.items() if value in (None, "")]:  # what null, seen in answers, becomes
        del query[name]
    query.pop(OPAQUE, None)
    if str(query.get(SORT, "")).lstrip("-").startswith(OWN_FIELD):
        del query[SORT]


def _sendable(value: Any) -> Any:
    """Whole numbers are sent as such: 1.0 is none here, though JSON Schema says so."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: INSTEAD[name] if name in INSTEAD else _sendable(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_sendable(member) for member in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
