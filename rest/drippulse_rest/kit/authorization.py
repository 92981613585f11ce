"""Who may call a route: the bearer token, the principal behind it, and the permission the route names."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from drippulse.kit.errors import BadRequestError
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.errors import MissingTokenError
from drippulse.organizations.policy import Permission, require

Guard: TypeAlias = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


def authorization(authenticator: Authenticator) -> Guard:
    """Litestar's guard for all routes: it runs before parameters and body are looked at."""

    async def authorize(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """Raises MissingTokenError and InvalidTokenError (401), ForbiddenError (403)."""
        if b"%00" in connection.scope["query_string"]:
            raise BadRequestError("A query parameter holds the character U+0000; remove it.")
        if handler.opt.get("public") or cast("dict[str, Any]", connection.scope).get("method") == "OPTIONS":
            return
        permission: Permission = handler.opt["permission"]
        principal = await authenticator.principal(bearer_token(connection.headers.get("authorization")))
        require(principal, permission)
        connection.scope["auth"] = principal

    return authorize


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1). Raises MissingTokenError."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingTokenError
    return token
