"""What `/graphql` answers over HTTP, errors of every kind in GraphQL's own form."""

from typing import Any

import asyncpg
import orjson
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from drippulse.kit.errors import DomainError, RateLimitedError, UnauthenticatedError
from drippulse_graphql.execution import Answer
from drippulse_graphql.kit.accept import GRAPHQL_JSON, Accepted, accepted
from drippulse_graphql.kit.documents import REFUSALS
from drippulse_graphql.kit.errors import domain_error, internal_error
from drippulse_graphql.kit.http import MAX_BODY, MethodNotAllowedError

PATH = "/graphql"
UNREACHABLE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, OSError)
CODES = {405: "method_not_allowed", 413: "payload_too_large"}
AnyRequest = Request[Any, Any, Any]
log = structlog.get_logger("drippulse.graphql")


def is_graphql(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


def accepted_by(request: AnyRequest) -> Accepted:
    return accepted(request.headers.get("accept", ""))


def answered(request: AnyRequest, answer: Answer) -> Response[bytes]:
    if answer.begun:
        return _bytes(request, answer.result(), 200)
    return _errors(request, answer.errors, _refusal_status(request))


def on_domain_error(request: AnyRequest, error: DomainError) -> Response[bytes]:
    status = _refusal_status(request) if isinstance(error, REFUSALS) else error.status
    response = _errors(request, domain_error(error), status)
    if isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowedError):
        response.headers["Allow"] = "POST"
    return response


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses. It knows of methods before it has a route, and so has to be told of this one for
    the whole application (`is_graphql` says for which paths)."""
    status, headers = error.status_code, {name.lower(): value for name, value in (error.headers or {}).items()}
    messages = {
        405: f"{request.scope['method']} is not a method of this route; the Allow header lists those that are.",
        413: f"A request may have {MAX_BODY} bytes. Send large imports in parts, or over REST.",
    }
    if "allow" in headers:
        headers["allow"] = ", ".join(sorted(one for one in headers["allow"].split(", ") if one != "websocket"))
    extensions = {"code": CODES.get(status, "bad_request")}
    response = _errors(
        request, [{"message": messages.get(status, str(error.detail)), "extensions": extensions}], status
    )
    response.headers.update(headers)
    return response


def on_unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    if isinstance(error, UNREACHABLE):
        log.warning("graphql_database_unreachable", exc_info=error)
        sentence = "The database cannot be reached right now; try again soon."
        return _errors(request, [{"message": sentence, "extensions": {"code": "service_unavailable"}}], 503)
    return _errors(request, [internal_error(error)], 500)


def _refusal_status(request: AnyRequest) -> int:
    """Of a well-formed request that cannot be run; 200 for clients that know only JSON, as the draft asks."""
    return 400 if accepted_by(request).media_type == GRAPHQL_JSON else 200


def _errors(request: AnyRequest, errors: list[dict[str, Any]], status: int) -> Response[bytes]:
    return _bytes(request, orjson.dumps({"errors": errors}), status)


def _bytes(request: AnyRequest, body: bytes, status: int) -> Response[bytes]:
    media_type = accepted_by(request).media_type
    charset = "" if media_type == GRAPHQL_JSON else "; charset=utf-8"
    return Response(
        body,
        status_code=status,
        media_type=f"{media_type}{charset}",
        headers={"cache-control": "no-store", "vary": "accept"},
    )
