"""The headers that answers have by the kind of their route."""

from typing import Any, Final

HEADERS: Final[dict[str, Any]] = {
    "Link": {
        "description": "RFC 8288: first, prev, next and last of a paginated list.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "This is the answer of an earlier request with the same Idempotency-Key; nothing was done.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "RateLimit-Limit": {
        "description": "Requests a minute that this credential may send. Absent without a limit.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {"description": "Requests left at once.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until all of them are there again.", "schema": {"type": "integer"}},
}
"""Components of the document."""
LIST_HEADERS: Final = ("Link",)
WRITE_HEADERS: Final = ("Idempotent-Replayed",)
RATE_LIMIT_HEADERS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def references(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
