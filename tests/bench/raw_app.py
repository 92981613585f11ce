"""The limit for planned reads: the product's own credential check, rate limit and tenant setting around one statement.

`RAW_SQL` is the statement, whose one parameter is the organization; it answers one JSON text.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, Response, post

from drippulse.settings import get_settings
from drippulse_graphql.kit.http import bearer_token
from drippulse_server.services import build_services, opened

_services = build_services(get_settings())
SQL = os.environ["RAW_SQL"]


@post("/", status_code=200)
async def _raw(request: Request[Any, Any, Any]) -> Response[bytes]:
    caller = await _services.authenticator.principal(bearer_token(request.headers.get("authorization")))
    await _services.rate_limiter.count(caller.credential, caller.rate_limit, request.scope["state"])
    await request.body()
    text: str = await _services.database.read(caller.organization_id, SQL, caller.organization_id)
    return Response(text.encode(), media_type=MediaType.JSON)


@asynccontextmanager
async def _lifespan(_: Litestar) -> AsyncGenerator[None]:
    async with opened(_services):
        yield


app = Litestar([_raw], lifespan=[_lifespan], openapi_config=None, logging_config=None)
