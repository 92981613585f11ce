"""The web application: every edge mounted on one Litestar."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException, MethodNotAllowedException

from drippulse.kit.collector import tune_collector
from drippulse.kit.failpoint import arm
from drippulse.kit.logging import configure_logging
from drippulse.kit.services import AppServices
from drippulse.settings import Settings, get_settings
from drippulse_graphql.responses import is_graphql
from drippulse_graphql.responses import on_http_error as on_http_error_of_graphql
from drippulse_graphql.router import create_graphql_router
from drippulse_rest.app import create_rest_router
from drippulse_rest.kit.edge import Edge
from drippulse_rest.v1.problems import HANDLERS
from drippulse_server.mailbox.routes import mailbox_router
from drippulse_server.services import build_services, opened
from drippulse_server.stopping import before_stopping

YOUNG_OBJECTS = 10_000
"""Of some ten requests; Python's own 700 are there several times in one."""
Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(settings: Settings | None = None) -> Litestar:
    """The ASGI application, as granian calls it in each web process.

    Args:
        settings: the process's own unless given, as tests do.
    """
    if settings is not None:
        return create_app_of(build_services(settings))
    own = get_settings()
    configure_logging(own.log_level)
    arm(own.failpoint)
    services = build_services(own)

    @asynccontextmanager
    async def sending_away(_: Litestar) -> AsyncGenerator[None]:
        async with before_stopping(services.feed.send_away):
            yield

    app = create_app_of(services, sending_away)
    tune_collector(YOUNG_OBJECTS)
    return app


def create_app_of(services: AppServices, *more: Lifespan) -> Litestar:
    """The application over these services, which it opens and closes with its lifespan, `more` within it."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with opened(services):
            yield

    app = Litestar(
        _routers(services),
        lifespan=[lifespan, *more],
        exception_handlers={**HANDLERS, MethodNotAllowedException: _on_other_method},
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Edge(app.asgi_handler)  # outside of Litestar's routing, so that unknown routes pass it too
    return app


def _routers(services: AppServices) -> list[Router]:
    routers = [create_rest_router(services), create_graphql_router(services)]
    if services.settings.development:
        routers.append(mailbox_router(services.database))
    return routers


def _on_other_method(request: Request[Any, Any, Any], error: MethodNotAllowedException) -> Response[bytes]:
    """Litestar refuses methods before it asks a router, so the handlers of `/graphql` are not heard."""
    handler = on_http_error_of_graphql if is_graphql(request.scope["path"]) else HANDLERS[HTTPException]
    return handler(request, error)
