"""`/integration_connections`: credentials for other systems, stored encrypted and never answered."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.integrations import service
from drippulse.integrations.listing import LISTING
from drippulse.integrations.probe import probe_connection
from drippulse.integrations.schemas import (
    READ_ONLY,
    ConnectionCreate,
    ConnectionList,
    ConnectionOut,
    ConnectionTestOut,
    ConnectionUpdate,
)
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.ids import ConnectionId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, list_route, route

TAG = "Integration connections"
WRAPPER = "integration_connection"
EXAMPLE = {
    "provider": "slack",
    "connection_key": "default",
    "credentials": {"bot_token": "xoxb-...", "default_channel": "#sales"},
}
INVALID = {409: ("connection_exists", "secrets_unreadable"), 422: ("validation_failed",)}
UNKNOWN = {404: ("integration_connection_not_found",)}
TEST_FAILURES = {409: ("secrets_unreadable",), 422: ("connection_test_failed", "connector_not_installed")}


@list_route(
    "/integration_connections",
    operation_id="listIntegrationConnections",
    tag=TAG,
    summary="List connections",
    answer=ConnectionList,
    listing=LISTING,
)
async def list_connections(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All connections of the organization, newest first; with paging parameters a part of them. Of their secrets only
    the names are answered."""
    async with request.transaction() as session:
        answer = await service.list_connections(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/integration_connections",
    operation_id="createIntegrationConnection",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Store a connection",
    status=201,
    answer=ConnectionOut,
    answer_text="The connection, without its secrets.",
    body=Body(ConnectionCreate, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors=INVALID,
)
async def create_connection(request: ApiRequest) -> Response[bytes]:
    """Stores a provider's credentials, encrypted. The provider's fields are taken top level, in `credentials` or in
    `secrets`. A provider whose connector is not installed here can be stored ahead."""
    data = await request.read(ConnectionCreate)
    async with request.transaction() as session:
        made = await service.create_connection(session, request.principal, request.services.vault, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/integration_connections/{connection_id:int}",
    operation_id="getIntegrationConnection",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a connection",
    answer=ConnectionOut,
    errors=UNKNOWN,
)
async def get_connection(request: ApiRequest, connection_id: ConnectionId) -> Response[bytes]:
    """One connection with the names of the secrets it holds."""
    async with request.transaction() as session:
        found = await service.get_connection(session, request.principal, connection_id)
    return json_answer(found)


@route(
    "PATCH",
    "/integration_connections/{connection_id:int}",
    operation_id="updateIntegrationConnection",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Update a connection",
    answer=ConnectionOut,
    body=Body(ConnectionUpdate, WRAPPER, READ_ONLY, example={"bot_token": "xoxb-...", "note": "Rotated"}),
    errors=INVALID | UNKNOWN,
)
async def update_connection(request: ApiRequest, connection_id: ConnectionId) -> Response[bytes]:
    """Fields left out stay as they are, secrets too; null removes a secret. New secrets make a connection that needs
    reauthorization active again."""
    data = await request.read(ConnectionUpdate)
    async with request.transaction() as session:
        changed = await service.update_connection(
            session, request.principal, request.services.vault, connection_id, data
        )
    return json_answer(changed)


@route(
    "DELETE",
    "/integration_connections/{connection_id:int}",
    operation_id="deleteIntegrationConnection",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a connection",
    status=204,
    answer_text="Deleted with its secrets.",
    errors=UNKNOWN,
)
async def delete_connection(request: ApiRequest, connection_id: ConnectionId) -> Response[None]:
    """Deletes the connection and its secrets. Steps that name it fail with `connection_missing` from now on."""
    async with request.transaction() as session:
        await service.delete_connection(session, request.principal, connection_id)
    return no_content()


@route(
    "POST",
    "/integration_connections/{connection_id:int}/test_connection",
    operation_id="testIntegrationConnection",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Test a connection",
    answer=ConnectionTestOut,
    errors=UNKNOWN | TEST_FAILURES,
    keyed=Keyed.APART,
)
async def test_connection(request: ApiRequest, connection_id: ConnectionId) -> Response[bytes]:
    """Asks the provider whether it accepts the credentials, as far as that is possible without an effect. Refused
    credentials make the connection `needs_reauth`; accepted ones make it active again. When it fails, `reason` has
    the connector's error code."""
    services = request.services
    answer = await probe_connection(
        services.database, services.vault, services.settings, request.principal, connection_id
    )
    return json_answer(answer)


ROUTES: Sequence[HTTPRouteHandler] = (
    list_connections,
    create_connection,
    get_connection,
    update_connection,
    delete_connection,
    test_connection,
)
