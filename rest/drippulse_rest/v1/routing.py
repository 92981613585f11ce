"""Declaring a route of the dialect."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter

from drippulse_rest.kit.routes import route
from drippulse_rest.v1.problems import ErrorEnvelope

TAG = "v1"
v1_route: Callable[..., Callable[[Callable[..., Any]], HTTPRouteHandler]] = partial(
    route, tag=TAG, problem=ErrorEnvelope
)

KEYED = {
    400: ("invalid_idempotency_key",),
    409: ("idempotency_in_flight",),
    422: ("idempotency_mismatch", "validation_failed"),
}
"""Errors of every POST, which takes an Idempotency-Key."""

IdempotencyKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="1 to 255 printable ASCII characters. The same key with the same body within 24 hours answers what "
        "it answered the first time, with `Idempotent-Replayed: true`.",
    ),
]


def with_keyed(errors: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """`errors` and those of a POST."""
    statuses = sorted({*errors, *KEYED})
    return {status: (*errors.get(status, ()), *KEYED.get(status, ())) for status in statuses}
