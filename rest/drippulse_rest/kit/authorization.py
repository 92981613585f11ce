"""Who may call a route: the bearer token, the principal behind it, and the permission the route names."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from drippulse.kit.errors import BadRequestError
from drippulse.kit.services import AppServices
from drippulse.organizations.errors import MissingTokenError
from drippulse.organizations.policy import Permission, require


async def authorize(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's guard: runs before parameters and body are looked at.

    Raises:
        MissingTokenError, InvalidTokenError: 401.
        ForbiddenError: the role may not do this.
    """
    if b"%00" in connection.scope["query_string"]:
        raise BadRequestError("A query parameter holds the character U+0000; remove it.")
    if handler.opt.get("public") or connection.scope.get("method") == "OPTIONS":
        return
    permission: Permission = handler.opt["permission"]
    services: AppServices = handler.opt["services"]
    principal = await services.authenticator.principal(bearer_token(connection.headers.get("authorization")))
    require(principal, permission)
    connection.scope["auth"] = principal


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1). Raises MissingTokenError."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingTokenError
    return token
