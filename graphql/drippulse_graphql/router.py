"""`/graphql`: the HTTP edge."""

from typing import Any

import asyncpg
import orjson
import structlog
from litestar import MediaType, Request, Response, Router, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.response import Stream

from drippulse.kit.errors import DomainError, RateLimitedError, UnauthenticatedError
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse_graphql.execution import Answer, Executor
from drippulse_graphql.explorer.page import ASSETS, PAGE_HEADERS, explorer_asset, explorer_page, graphiql_page
from drippulse_graphql.kit.documents import REFUSALS, Documents
from drippulse_graphql.kit.errors import domain_error, internal_error
from drippulse_graphql.kit.http import (
    GRAPHQL_JSON,
    MAX_BODY,
    MethodNotAllowedError,
    Operation,
    answer_type,
    bearer_token,
    check_content_type,
    read_get,
    read_post,
)
from drippulse_graphql.kit.origin import remember_origin
from drippulse_graphql.kit.trusted import trusted
from drippulse_graphql.kit.usage import UsageOfOperations
from drippulse_graphql.schema import core_schema, schema
from drippulse_graphql.sdl_file import sdl_answer
from drippulse_graphql.subscriptions.sse import event_stream, wants_events
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.websocket import websocket_route

UNREACHABLE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, OSError)
log = structlog.get_logger("drippulse.graphql")


def create_graphql_router(services: AppServices) -> Router:
    """The routes `GET /graphql` (queries; the explorer's page in development), `POST /graphql` and the SDL."""
    documents = Documents(core_schema())
    executor = Executor(schema, core_schema(), documents, services)
    usage = UsageOfOperations(core_schema(), documents, services.graphql_usage)
    streams = Streams(core_schema(), documents, executor, usage, services)

    async def principal(request: Request[Any, Any, Any]) -> Principal:
        remember_origin(request, services)
        caller = await services.authenticator.principal(bearer_token(request.headers.get("authorization")))
        await services.rate_limiter.count(caller.credential, caller.rate_limit, request.scope["state"])
        return caller

    async def run(request: Request[Any, Any, Any], caller: Principal, sent: Operation, *, read_only: bool) -> Answer:
        operation = await trusted(services.trusted_documents, caller.organization_id, sent)
        answer = await executor.execute(caller, operation, read_only=read_only)
        usage.count(caller.organization_id, request.headers, operation)
        return answer

    @post("/", status_code=200, request_max_body_size=MAX_BODY, opt={"operation": "graphql"})
    async def post_graphql(request: Request[Any, Any, Any]) -> Response[bytes] | Stream:
        caller = await principal(request)
        check_content_type(request.headers.get("content-type", ""))
        operation = read_post(await request.body())
        if wants_events(request.headers.get("accept", "")):
            return await event_stream(request, streams, caller, operation, services.settings)
        return _answered(request, await run(request, caller, operation, read_only=False))

    @get("/")
    async def get_graphql(request: Request[Any, Any, Any]) -> Response[bytes] | Stream:
        if services.settings.development and _wants_page(request):
            if request.query_params.get("ide") == "graphiql":
                return Response(graphiql_page(), media_type=MediaType.HTML, headers={"vary": "accept"})
            return Response(explorer_page(core_schema()), media_type=MediaType.HTML, headers=PAGE_HEADERS)
        caller = await principal(request)
        operation = read_get({name: request.query_params[name] for name in request.query_params})
        if wants_events(request.headers.get("accept", "")):
            return await event_stream(request, streams, caller, operation, services.settings)
        return _answered(request, await run(request, caller, operation, read_only=True))

    @get("/schema.graphql")
    async def get_sdl(request: Request[Any, Any, Any]) -> Response[bytes]:
        await principal(request)
        return sdl_answer(request)

    development = [_explorer_file] if services.settings.development else []
    return Router(
        "/graphql",
        route_handlers=[get_graphql, post_graphql, get_sdl, websocket_route(streams), *development],
        include_in_schema=False,
        exception_handlers={DomainError: _refused, HTTPException: _refused_by_framework, Exception: _failed},
    )


@get("/explorer/{name:str}", sync_to_thread=False)
def _explorer_file(name: FromPath[str]) -> Response[bytes]:
    content = explorer_asset(name)
    if content is None:
        raise NotFoundException
    return Response(content, media_type=ASSETS[name], headers={"cache-control": "no-cache"})


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    asked = {"query", "documentId", "extensions"} & request.query_params.keys()
    return "text/html" in request.headers.get("accept", "") and not asked


def _answered(request: Request[Any, Any, Any], answer: Answer) -> Response[bytes]:
    told = {} if answer.plan is None else {"extensions": {"plan": answer.plan}}
    if answer.text is not None:
        end = b"," + orjson.dumps(told)[1:] if told else b"}"
        return _bytes(request, b'{"data":' + answer.text.encode() + end, 200)
    if not answer.begun:
        return _response(request, {"errors": answer.errors}, _refusal_status(request))
    errors = {"errors": answer.errors} if answer.errors else {}
    return _response(request, {**errors, "data": answer.data, **told}, 200)


def _refusal_status(request: Request[Any, Any, Any]) -> int:
    """Of a well-formed request that cannot be run; 200 for clients that know only JSON, as the draft asks."""
    return 400 if answer_type(request.headers.get("accept", "")) == GRAPHQL_JSON else 200


def _refused(request: Request[Any, Any, Any], error: DomainError) -> Response[bytes]:
    status = _refusal_status(request) if isinstance(error, REFUSALS) else error.status
    response = _response(request, {"errors": domain_error(error)}, status)
    if isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowedError):
        response.headers["Allow"] = "POST"
    return response


def _refused_by_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    codes = {405: "method_not_allowed", 413: "payload_too_large"}
    messages = {413: f"A request may have {MAX_BODY} bytes. Send large imports in parts, or over REST."}
    message = messages.get(error.status_code, str(error.detail))
    body = {"errors": [{"message": message, "extensions": {"code": codes.get(error.status_code, "bad_request")}}]}
    response = _response(request, body, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, UNREACHABLE):
        log.warning("graphql_database_unreachable", exc_info=error)
        sentence = "The database cannot be reached right now; try again soon."
        body = {"errors": [{"message": sentence, "extensions": {"code": "service_unavailable"}}]}
        return _response(request, body, 503)
    return _response(request, {"errors": [internal_error(error)]}, 500)


def _response(request: Request[Any, Any, Any], body: dict[str, Any], status: int) -> Response[bytes]:
    return _bytes(request, orjson.dumps(body), status)


def _bytes(request: Request[Any, Any, Any], body: bytes, status: int) -> Response[bytes]:
    media_type = answer_type(request.headers.get("accept", ""))
    charset = "" if media_type == GRAPHQL_JSON else "; charset=utf-8"
    return Response(
        body,
        status_code=status,
        media_type=f"{media_type}{charset}",
        headers={"cache-control": "no-store", "vary": "accept"},
    )
