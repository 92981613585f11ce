"""The outermost layer: request ids, default headers, metrics and one log line per request."""

import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, cast

import structlog
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from drippulse.kit.failpoint import failpoint
from drippulse.kit.rate_limits import allowance_of
from drippulse_rest.kit.metrics import observe

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
UNMATCHED = "unmatched"
QUIET = frozenset({"/health", "/api/v1/health", "/metrics"})
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"), (b"referrer-policy", b"no-referrer"))
log = structlog.get_logger("drippulse.access")


class Edge:
    """ASGI middleware around the whole application, so that unknown routes pass through it too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["method"] != "GET":
                    failpoint("api.before_answer")  # whatever it wrote is committed
                message["headers"] = _with_defaults(list(message["headers"]), scope, request_id)
                if scope["method"] == "OPTIONS":
                    message["headers"] = _with_all_methods(message["headers"], scope)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            _report(scope, status, time.perf_counter() - started)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return secrets.token_hex(12)


def _with_defaults(headers: list[tuple[bytes, bytes]], scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    """Adds what the answer does not set itself; answers of the API are never stored by caches."""
    present = {name.lower() for name, _ in headers}
    headers.append((b"x-request-id", request_id.encode()))
    allowance = allowance_of(scope["state"])
    if allowance is not None:
        headers.extend(allowance.headers())
    headers.extend(pair for pair in HEADERS if pair[0] not in present)
    if b"cache-control" not in present and scope["path"].startswith(("/api/", "/v1/")):
        headers.append((b"cache-control", b"no-store"))
    return headers


def _with_all_methods(headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    """Litestar's own answer to OPTIONS has the methods of the first handler that was registered for the path."""
    known = cast("dict[str, Any]", scope)
    routes: list[HTTPRoute] = [route for route in known["litestar_app"].routes if isinstance(route, HTTPRoute)]
    methods = {str(m) for route in routes if route.path_format == known.get("path_template") for m in route.methods}
    kept = [pair for pair in headers if pair[0].lower() != b"allow"]
    return [*kept, (b"allow", ", ".join(sorted(methods)).encode())] if methods else kept


def _report(scope: Scope, status: int, seconds: float) -> None:
    known = cast("dict[str, Any]", scope)
    method = str(known.get("method", ""))
    template = str(known.get("path_template") or UNMATCHED)
    observe(method, template, status, seconds)
    report = log.debug if template in QUIET else log.info
    report("request", method=method, route=template, status=status, ms=round(seconds * 1000, 2))
