"""Errors as `{error: {code, message}}`: the application's own handlers, in this dialect's shape below `/v1`."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from litestar import Request, Response
from litestar.enums import MediaType
from pydantic import BaseModel, Field

from drippulse_rest.kit.problems import EXCEPTION_HANDLERS

BASE = "/v1"
AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[bytes]]


class ErrorDetail(BaseModel):
    code: str = Field(description="A stable code in snake_case.")
    message: str = Field(description="What is wrong, where, and the way out; for people.")


class ErrorEnvelope(BaseModel):
    """An error of the `/v1` dialect."""

    error: ErrorDetail


def is_dialect(path: str) -> bool:
    return path == BASE or path.startswith(f"{BASE}/")


def by_path(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """The same handlers; below `/v1` their answers have the dialect's shape, unknown routes and methods included."""
    return {kind: _shaped(handler) for kind, handler in handlers.items()}


def _shaped(handler: Handler) -> Handler:
    def handle(request: AnyRequest, error: Any) -> Response[bytes]:
        answer = handler(request, error)
        if not is_dialect(request.scope["path"]):
            return answer
        content = orjson.loads(answer.content)
        body = {"error": {"code": content["error"], "message": content["message"]}}
        return Response(
            orjson.dumps(body),
            status_code=answer.status_code or 500,
            media_type=MediaType.JSON,
            headers=dict(answer.headers),
        )

    return handle


HANDLERS = by_path(EXCEPTION_HANDLERS)
"""For the whole application."""
