"""`/account`: the organization, and who is asking."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.organizations.account import passwords, service
from drippulse.organizations.account.schemas import (
    READ_ONLY,
    OrganizationOut,
    OrganizationUpdate,
    PasswordChange,
    PasswordChangedOut,
)
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, route

TAG = "Account"
EXAMPLE = {
    "timezone": "Europe/Berlin",
    "branding": {"public_name": "Acme", "color": "#1a73e8"},
    "sender": {"from_name": "Acme", "from_address": "hello@acme.example"},
    "retention": {"timeline_days": 365},
}


@route(
    "GET",
    "/account",
    operation_id="getAccount",
    permission=Permission.READ,
    tag=TAG,
    summary="Show the account",
    answer=OrganizationOut,
)
async def get_account(request: ApiRequest) -> Response[bytes]:
    """The organization with its branding, sender identity and retention, and who is asking."""
    async with request.transaction() as session:
        found = await service.get_account(session, request.principal)
    return json_answer(found)


@route(
    "PATCH",
    "/account",
    operation_id="updateAccount",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Change the account",
    answer=OrganizationOut,
    body=Body(OrganizationUpdate, "account", READ_ONLY, example=EXAMPLE),
    errors={409: ("organization_name_taken", "slug_taken"), 422: ("validation_failed",)},
)
async def update_account(request: ApiRequest) -> Response[bytes]:
    """Fields left out stay as they are, members of `branding`, `sender` and `retention` too; null takes a member
    away. What is scheduled by the organization's time zone moves with it."""
    data = await request.read(OrganizationUpdate)
    async with request.transaction() as session:
        changed = await service.update_account(session, request.principal, data)
        session.after_commit(request.services.trusted_documents.forget_after_commit)
    return json_answer(changed)


@route(
    "POST",
    "/account/password",
    operation_id="changePassword",
    permission=Permission.READ,
    tag=TAG,
    summary="Change one's own password",
    answer=PasswordChangedOut,
    answer_text="Changed. Go on with the new session token.",
    body=Body(PasswordChange, example={"current_password": "...", "new_password": "..."}),
    errors={
        403: ("session_required",),
        422: ("validation_failed", "wrong_password"),
        429: ("too_many_logins",),
    },
    keyed=Keyed.APART,  # hashing is slow on purpose, and no transaction is to wait for it
)
async def change_password(request: ApiRequest) -> Response[bytes]:
    """For whoever is logged in; API keys have none. Every session ends, this one too: go on with the token of the
    answer. Wrong passwords count as failed logins."""
    data = await request.read(PasswordChange)
    services = request.services
    token = await passwords.change_password(
        services.database, services.authenticator, request.principal, data, request.client_address
    )
    return json_answer({"token": token})


ROUTES: Sequence[HTTPRouteHandler] = (get_account, update_account, change_password)
