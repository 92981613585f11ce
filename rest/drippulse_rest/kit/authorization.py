"""Who may call a route: the bearer token, the principal behind it, and the permission the route names."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler

from drippulse.kit.errors import BadRequestError
from drippulse.kit.ids import MAX_ID
from drippulse.kit.rate_limits import RateLimiter
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.errors import MissingTokenError
from drippulse.organizations.policy import Permission, require
from drippulse_rest.kit.nulls import refuse_null

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Guard: TypeAlias = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def authorization(authenticator: Authenticator, limiter: RateLimiter) -> Guard:
    """Litestar's guard for all routes: it runs before parameters and body are looked at."""

    async def authorize(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """Raises MissingTokenError and InvalidTokenError (401), RateLimitedError (429), ForbiddenError (403)."""
        if b"%00" in connection.scope["query_string"]:
            raise BadRequestError("A query parameter holds the character U+0000; remove it.")
        if "\x00" in connection.scope["path"]:
            raise NotFoundException  # no id holds it, and PostgreSQL could not look for it
        _bound_ids(connection.scope["path_params"])
        if handler.opt.get("public") or cast("dict[str, Any]", connection.scope).get("method") == "OPTIONS":
            return
        permission: Permission = handler.opt["permission"]
        principal = await authenticator.principal(bearer_token(connection.headers.get("authorization")))
        await limiter.count(principal.credential, principal.rate_limit, connection.scope["state"])
        require(principal, permission)
        refuse_null(connection, handler)
        connection.scope["auth"] = principal

    return authorize


def _bound_ids(parameters: dict[str, Any]) -> None:
    """A number that no key can be becomes the last one that could: it exists no more than the other."""
    for name, value in parameters.items():
        if isinstance(value, int) and abs(value) > MAX_ID:
            parameters[name] = MAX_ID if value > 0 else -MAX_ID


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1). Raises MissingTokenError."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingTokenError
    return token
