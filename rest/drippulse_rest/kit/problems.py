"""Every error as `{error, message, errors?}`; the one place that maps them to HTTP."""

import re
from collections.abc import Mapping
from typing import Any, cast

import asyncpg
import orjson
import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.exceptions import ValidationException as LitestarValidationException
from pydantic import BaseModel, Field

from drippulse.kit.errors import DomainError, RateLimitedError, UnauthenticatedError
from drippulse.kit.validation import MissingParameterError
from drippulse.organizations.errors import MissingTokenError

AnyRequest = Request[Any, Any, Any]
log = structlog.get_logger(__name__)

CODES = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}
UNREACHABLE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, OSError)
BUSY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.TooManyConnectionsError)


class Problem(BaseModel):
    """An error."""

    error: str = Field(description="A stable code in snake_case.")
    message: str = Field(description="What is wrong and the way out, for people.")
    errors: dict[str, list[str]] = Field(
        default_factory=dict[str, list[str]], description="Present for validation: field path -> sentences."
    )


def problem(
    status: int,
    code: str,
    message: str,
    *,
    errors: Mapping[str, list[str]] | None = None,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The answer for an error."""
    content: dict[str, object] = {"error": code, "message": message, **(extra or {})}
    if errors:
        content["errors"] = errors
    return Response(orjson.dumps(content), status_code=status, media_type=MediaType.JSON, headers=headers)


_MISSING = re.compile(r"Missing required \w+ parameter '(?P<name>[^']+)'")


def on_domain_error(_: AnyRequest, error: DomainError) -> Response[bytes]:
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        challenge = "Bearer" if isinstance(error, MissingTokenError) else 'Bearer error="invalid_token"'
        headers["www-authenticate"] = challenge
    if isinstance(error, RateLimitedError):
        headers["retry-after"] = str(error.retry_after)
    if error.status >= 500:
        log.error("domain_error", error=error.error_code, message=error.message, exc_info=error)
    return problem(
        error.status, error.error_code, error.message, errors=error.errors, extra=error.extra, headers=headers
    )


def on_parameter_error(request: AnyRequest, error: LitestarValidationException) -> Response[bytes]:
    """A query or path parameter that is missing or of the wrong type."""
    missing = _MISSING.match(error.detail)
    if missing:
        name = missing["name"]
        text = f"Missing parameter: {name}."
        return problem(400, MissingParameterError.code, text, errors={name: ["This parameter is required."]})
    found = cast("list[dict[str, str]]", error.extra if isinstance(error.extra, list) else [])
    errors = {entry.get("key", "parameter"): [_sentence(entry.get("message", ""))] for entry in found}
    if "path" in {entry.get("source") for entry in found}:
        return on_http_error(request, HTTPException(status_code=404))
    first = next(iter(errors), "parameter")
    return problem(422, "validation_failed", f"{first}: {errors.get(first, ['Not valid.'])[0]}", errors=errors)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: unknown routes, methods, bodies over the limit."""
    status = error.status_code
    if status >= 500:
        return on_unexpected(request, error)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    messages = {
        404: f"There is no route {request.scope['path'][:200]}. The routes are described at /api/v1/openapi.json.",
        405: f"{request.scope['method']} is not a method of this route; the Allow header lists those that are.",
        413: "The body is too large for this route. Send it in smaller parts.",
    }
    code = CODES.get(status, "bad_request" if status == 400 else f"http_{status}")
    return problem(status, code, messages.get(status, _sentence(error.detail)), headers=headers)


def on_unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Anything else: logged in full, answered with the request's id and nothing else."""
    request_id = str(cast("dict[str, Any]", request.scope).get("state", {}).get("request_id", ""))
    if isinstance(error, BUSY):
        log.warning("database_busy", exc_info=error)
        return problem(
            503,
            "try_again",
            "The database was busy with the same rows; send the request again.",
            headers={"retry-after": "1"},
        )
    log.error("unexpected_error", exc_info=error)
    if isinstance(error, UNREACHABLE):
        return problem(
            503,
            "service_unavailable",
            "The database cannot be reached right now; try again soon.",
            headers={"retry-after": "5"},
        )
    return problem(
        500,
        "internal_error",
        f"Something went wrong on our side. Quote request id {request_id} when you report it.",
        extra={"request_id": request_id},
    )


def _sentence(text: str) -> str:
    text = text.strip() or "Not valid."
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


EXCEPTION_HANDLERS: dict[Any, Any] = {
    DomainError: on_domain_error,
    LitestarValidationException: on_parameter_error,
    HTTPException: on_http_error,
    Exception: on_unexpected,
}
"""For the whole application, so that unknown routes answer in the same shape."""
