"""A small application around a few routes, with everything that the real one puts around its own."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.services import AppServices
from drippulse_rest.kit.authorization import authorization
from drippulse_rest.kit.edge import Edge
from drippulse_rest.kit.request import request_class
from drippulse_rest.v1.problems import HANDLERS


def small_app(services: AppServices, *routes: HTTPRouteHandler) -> Litestar:
    router = Router(
        "/api/v1",
        route_handlers=cast("Sequence[Any]", routes),
        guards=[authorization(services.authenticator, services.rate_limiter)],
        request_class=request_class(services),
    )
    app = Litestar([router], exception_handlers=HANDLERS, openapi_config=None, logging_config=None)
    app.asgi_handler = Edge(app.asgi_handler)
    return app


@asynccontextmanager
async def client_of(app: Litestar, token: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False),
        base_url="http://drippulse.test",
        headers={"authorization": f"Bearer {token}"},
    ) as client:
        yield client
