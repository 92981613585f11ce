"""`/api_keys`: making, showing, revoking and counting API keys."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.keys import service
from drippulse.organizations.keys.listing import LISTING
from drippulse.organizations.keys.schemas import (
    READ_ONLY,
    ApiKeyCreate,
    ApiKeyList,
    ApiKeyOut,
    NewApiKeyOut,
    UsageOut,
)
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route
from drippulse_rest.organizations.ids import KeyId

TAG = "API keys"
WRAPPER = "api_key"
UNKNOWN = {404: ("api_key_not_found",)}


@list_route(
    "/api_keys",
    operation_id="listApiKeys",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="List API keys",
    answer=ApiKeyList,
    listing=LISTING,
)
async def list_keys(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All keys, the revoked and expired ones too, without what would open the door."""
    async with request.transaction() as session:
        answer = await service.list_keys(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/api_keys",
    operation_id="createApiKey",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Create an API key",
    status=201,
    answer=NewApiKeyOut,
    answer_text="The key, which is told this once.",
    body=Body(
        ApiKeyCreate, WRAPPER, READ_ONLY, required=False, example={"name": "Production automation", "expires_in": 365}
    ),
    errors={403: ("role_too_high",), 422: ("validation_failed",)},
)
async def create_key(request: ApiRequest) -> Response[bytes]:
    """A key never may more than whoever made it: it loses with a lower role of its maker, and ends with their
    membership. Of the key only the SHA-256 is kept."""
    data = await request.read(ApiKeyCreate)
    async with request.transaction() as session:
        made = await service.create_key(session, request.principal, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/api_keys/{key_id:int}",
    operation_id="getApiKey",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Show an API key",
    answer=ApiKeyOut,
    errors=UNKNOWN,
)
async def get_key(request: ApiRequest, key_id: KeyId) -> Response[bytes]:
    """One key without what would open the door."""
    async with request.transaction() as session:
        found = await service.get_key(session, request.principal, key_id)
    return json_answer(found)


@route(
    "DELETE",
    "/api_keys/{key_id:int}/revoke",
    operation_id="revokeApiKey",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Revoke an API key",
    answer=ApiKeyOut,
    answer_text="The key as it is now.",
    errors=UNKNOWN,
)
async def revoke_key(request: ApiRequest, key_id: KeyId) -> Response[bytes]:
    """Stops working at once here, within 5 seconds on every other process. Keys that it made go on; revoke them too
    when it has come into wrong hands."""
    async with request.transaction() as session:
        revoked = await service.revoke_key(session, request.principal, key_id)
        session.after_commit(request.services.authenticator.forget_after_commit)
    return json_answer(revoked)


@route(
    "GET",
    "/api_keys/usage",
    operation_id="getApiKeyUsage",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Requests by key and day",
    answer=UsageOut,
    errors=UNKNOWN | {422: ("validation_failed",)},
)
async def get_usage(
    request: ApiRequest,
    since: Annotated[
        date | None, QueryParameter(name="from", description="The first day, in UTC; 30 days back when left out.")
    ] = None,
    until: Annotated[
        date | None, QueryParameter(name="to", description="The last day, in UTC; today when left out.")
    ] = None,
    key_id: Annotated[int | None, QueryParameter(description="Only this key.")] = None,
) -> Response[bytes]:
    """Requests per key and day over REST and GraphQL, newest day first; at most 366 days at once. What other processes
    counted comes a few seconds late. Kept for 400 days."""
    services = request.services
    await services.authenticator.usage.flush()
    today = services.clock().date()
    async with request.transaction() as session:
        found = await service.usage(session, request.principal, today, since, until, key_id)
    return json_answer(found)


ROUTES: Sequence[HTTPRouteHandler] = (list_keys, create_key, get_usage, get_key, revoke_key)
