"""Logging in and checking a token."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.db import Role
from drippulse.organizations import queries
from drippulse.organizations.errors import InvalidTokenError
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route
from drippulse_rest.organizations.schemas import Login, LoginOut, VerifyOut

TAG = "Sessions"
EXAMPLE = {"username": "admin", "password": "..."}


async def log_in(request: ApiRequest) -> Response[bytes]:
    """Exchange a name and a password for a session token. Wrong names and wrong passwords answer alike; after too
    many of them, for one name or from one address, the answer is 429 with Retry-After."""
    credentials = await request.read(Login)
    session = await request.services.authenticator.log_in(
        credentials.username, credentials.password, request.client_address
    )
    admin = {
        "id": session.user_id,
        "username": session.username,
        "email": session.email,
        "organization_id": session.organization_id,
    }
    return json_answer({"token": session.token, "admin": admin})


def _login_route(path: str, operation_id: str, summary: str) -> HTTPRouteHandler:
    declare = route(
        "POST",
        path,
        operation_id=operation_id,
        permission=None,
        tag=TAG,
        summary=summary,
        answer=LoginOut,
        body=Body(Login, example=EXAMPLE),
        errors={401: ("invalid_credentials",), 429: ("too_many_logins",)},
    )
    return declare(log_in)


@route(
    "GET",
    "/admin/verify",
    operation_id="verifyToken",
    permission=Permission.READ,
    tag=TAG,
    summary="Check a token",
    answer=VerifyOut,
)
async def verify(request: ApiRequest) -> Response[bytes]:
    """Answers 200 with who the token stands for, or 401."""
    principal = request.principal
    admin = None
    if principal.actor_type == "user":
        async with request.services.database.session(Role.AUTH) as session:
            row = await queries.member(session, principal.actor_id, principal.organization_id)
        if row is None:
            raise InvalidTokenError
        admin = {
            "id": row["id"],
            "username": row["username"],
            "email": row["email"],
            "organization_id": principal.organization_id,
        }
    return json_answer(
        {
            "valid": True,
            "actor_type": principal.actor_type,
            "role": principal.role.value,
            "organization_id": principal.organization_id,
            "admin": admin,
        }
    )


ROUTES: Sequence[HTTPRouteHandler] = (
    _login_route("/admin/login", "adminLogin", "Log in"),
    _login_route("/sessions/admin", "createAdminSession", "Log in (alias of /admin/login)"),
    _login_route("/auth/login", "login", "Log in (alias of /admin/login for programs)"),
    verify,
)
