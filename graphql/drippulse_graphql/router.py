"""`/graphql`: the HTTP edge."""

from litestar import MediaType, Response, Router, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.response import Stream

from drippulse.kit.errors import DomainError
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse_graphql.execution import Executor
from drippulse_graphql.explorer.page import ASSETS, PAGE_HEADERS, explorer_asset, explorer_page, graphiql_page
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import MAX_BODY, Operation, bearer_token, check_content_type, read_get, read_post
from drippulse_graphql.kit.not_streamed import NotStreamedError
from drippulse_graphql.kit.origin import remember_origin
from drippulse_graphql.kit.trusted import trusted
from drippulse_graphql.kit.usage import UsageOfOperations
from drippulse_graphql.responses import (
    PATH,
    AnyRequest,
    accepted_by,
    answered,
    on_domain_error,
    on_http_error,
    on_unexpected,
)
from drippulse_graphql.schema import core_schema, schema
from drippulse_graphql.sdl_file import sdl_answer
from drippulse_graphql.subscriptions.sse import event_stream
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.websocket import websocket_route


class _Edge:
    """From a request to its answer. One per process."""

    def __init__(self, services: AppServices) -> None:
        self._services = services
        documents = Documents(core_schema())
        self._executor = Executor(schema, core_schema(), documents, services)
        self._usage = UsageOfOperations(core_schema(), documents, services.graphql_usage)
        self.streams = Streams(core_schema(), documents, self._executor, self._usage, services)

    async def principal(self, request: AnyRequest) -> Principal:
        services = self._services
        remember_origin(request, services)
        caller = await services.authenticator.principal(bearer_token(request.headers.get("authorization")))
        await services.rate_limiter.count(caller.credential, caller.rate_limit, request.scope["state"])
        return caller

    async def respond(
        self, request: AnyRequest, caller: Principal, operation: Operation, *, read_only: bool
    ) -> Response[bytes] | Stream:
        """In JSON or as a stream of events; a subscription streams to whoever takes events at all."""
        accept = accepted_by(request)
        if not accept.rather_events:
            try:
                return await self._run(request, caller, operation, read_only=read_only)
            except NotStreamedError:
                if not accept.events:
                    raise
        return await event_stream(request, self.streams, caller, operation, self._services.settings)

    async def _run(
        self, request: AnyRequest, caller: Principal, sent: Operation, *, read_only: bool
    ) -> Response[bytes]:
        operation = await trusted(self._services.trusted_documents, caller.organization_id, sent)
        answer = await self._executor.execute(caller, operation, read_only=read_only)
        if answer.begun:
            self._usage.count(caller.organization_id, request.headers, operation)
        return answered(request, answer)


def create_graphql_router(services: AppServices) -> Router:
    """The routes `GET /graphql` (queries; the explorer's page in development), `POST /graphql` and the SDL."""
    edge = _Edge(services)

    @post("/", status_code=200, request_max_body_size=MAX_BODY, opt={"operation": "graphql"})
    async def post_graphql(request: AnyRequest) -> Response[bytes] | Stream:
        caller = await edge.principal(request)
        check_content_type(request.headers.get("content-type", ""))
        return await edge.respond(request, caller, read_post(await request.body()), read_only=False)

    @get("/")
    async def get_graphql(request: AnyRequest) -> Response[bytes] | Stream:
        if services.settings.development and _wants_page(request):
            if request.query_params.get("ide") == "graphiql":
                return Response(graphiql_page(), media_type=MediaType.HTML, headers={"vary": "accept"})
            return Response(explorer_page(core_schema()), media_type=MediaType.HTML, headers=PAGE_HEADERS)
        caller = await edge.principal(request)
        operation = read_get({name: request.query_params[name] for name in request.query_params})
        return await edge.respond(request, caller, operation, read_only=True)

    @get("/schema.graphql")
    async def get_sdl(request: AnyRequest) -> Response[bytes]:
        await edge.principal(request)
        return sdl_answer(request)

    development = [_explorer_file] if services.settings.development else []
    return Router(
        PATH,
        route_handlers=[get_graphql, post_graphql, get_sdl, websocket_route(edge.streams), *development],
        include_in_schema=False,
        exception_handlers={DomainError: on_domain_error, HTTPException: on_http_error, Exception: on_unexpected},
    )


@get("/explorer/{name:str}", sync_to_thread=False)
def _explorer_file(name: FromPath[str]) -> Response[bytes]:
    content = explorer_asset(name)
    if content is None:
        raise NotFoundException
    return Response(content, media_type=ASSETS[name], headers={"cache-control": "no-cache"})


def _wants_page(request: AnyRequest) -> bool:
    asked = {"query", "documentId", "extensions"} & request.query_params.keys()
    return "text/html" in request.headers.get("accept", "") and not asked
