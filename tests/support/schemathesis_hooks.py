"""What a schema cannot say, told to Schemathesis: `make schemathesis` loads this."""

import uuid
from typing import Any
from zoneinfo import available_timezones

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(available_timezones())))

KEY = "Idempotency-Key"
OPAQUE = "cursor"
"""Made by the list that it goes on with; made up it is refused."""


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType] - untyped callables
def before_call(context: schemathesis.HookContext, case: Any, kwargs: dict[str, Any]) -> None:
    """A key means one request; the same key with another body is refused by intention."""
    if case.headers and KEY in case.headers:
        case.headers[KEY] = str(uuid.uuid4())
    if case.query and case.query.get(OPAQUE):
        case.query[OPAQUE] = ""
