"""`/graphql/documents` and `/graphql/usage`: what GraphQL's clients registered, and what they ask for."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from drippulse.graphql_clients.documents import queries, service
from drippulse.graphql_clients.documents.schemas import DocumentList, Manifest, RegisteredOut
from drippulse.graphql_clients.usage import service as usage_service
from drippulse.graphql_clients.usage.schemas import GraphqlUsageOut
from drippulse.kit import filters
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, Listing, list_route, route

TAG = "GraphQL clients"
EXAMPLE = {"client": "web-app", "documents": {"WhoAmI": "query WhoAmI { viewer { role } }"}}
Sha256 = Annotated[str, PathParameter(description="The SHA-256 of its text, with or without `sha256:`.")]
LISTING = Listing(
    sorts=queries.LIST.sorts,
    filters={
        "sha256": filters.text("Its hash, 64 hexadecimal digits."),
        "name": filters.text("Its name."),
        "client": filters.text("The program that it was registered for."),
        "created_at": filters.timestamp("When it was registered."),
    },
    search="Names and texts.",
)


@list_route(
    "/graphql/documents",
    operation_id="listGraphqlDocuments",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="List trusted documents",
    answer=DocumentList,
    listing=LISTING,
)
async def list_documents(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Documents that clients may run by their ids, newest first."""
    async with request.transaction() as session:
        answer = await service.list_documents(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "PUT",
    "/graphql/documents",
    operation_id="putGraphqlDocuments",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Register trusted documents",
    answer=RegisteredOut,
    body=Body(Manifest, example=EXAMPLE),
    errors={409: ("too_many_documents",), 422: ("invalid_documents", "validation_failed")},
    keyed=Keyed.APART,  # documents are checked before there is a transaction
)
async def put_documents(request: ApiRequest) -> Response[bytes]:
    """A manifest of up to 200 documents, as a whole or not at all: each is parsed, held against the limits and
    validated first, and `errors` says what is wrong where (`line:column`). The same manifest again changes nothing;
    documents that it does not name stay registered."""
    manifest = await request.read(Manifest)
    await service.check_manifest(request.services.check_document, manifest)
    async with request.transaction() as session:
        answer = await service.put_documents(session, request.principal, manifest)
        session.after_commit(request.services.trusted_documents.forget_after_commit)
    return json_answer(answer)


@route(
    "DELETE",
    "/graphql/documents/{sha256:str}",
    operation_id="deleteGraphqlDocument",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Delete a trusted document",
    status=204,
    answer_text="Deleted.",
    errors={404: ("document_not_found",)},
)
async def delete_document(request: ApiRequest, sha256: Sha256) -> Response[None]:
    """Clients cannot run it by its id any more: at once here, within 5 seconds on every other process."""
    async with request.transaction() as session:
        await service.delete_document(session, request.principal, sha256)
        session.after_commit(request.services.trusted_documents.forget_after_commit)
    return no_content()


@route(
    "GET",
    "/graphql/usage",
    operation_id="getGraphqlUsage",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Requests by client, operation and deprecated field",
    answer=GraphqlUsageOut,
    errors={422: ("validation_failed",)},
)
async def get_usage(
    request: ApiRequest,
    since: Annotated[
        date | None, QueryParameter(name="from", description="The first day, in UTC; 30 days back when left out.")
    ] = None,
    until: Annotated[
        date | None, QueryParameter(name="to", description="The last day, in UTC; today when left out.")
    ] = None,
    client: Annotated[str | None, QueryParameter(description="Only this client; empty: those without a name.")] = None,
    deprecated: Annotated[
        bool | None, QueryParameter(description="true: uses of deprecated fields alone; false: operations alone.")
    ] = None,
) -> Response[bytes]:
    """Clients name themselves in the headers `x-client-name` and `x-client-version`, or in Apollo's. At most 366 days
    at once; what other processes counted comes a few seconds late. A day has up to 1,000 rows, and what comes beyond is
    counted under the client `(more)`. Kept for 400 days."""
    services = request.services
    await services.graphql_usage.flush()
    today = services.clock().date()
    async with request.transaction() as session:
        found = await usage_service.usage(
            session, request.principal, today, since, until, client=client, deprecated=deprecated
        )
    return json_answer(found)


ROUTES: Sequence[HTTPRouteHandler] = (list_documents, put_documents, delete_document, get_usage)
