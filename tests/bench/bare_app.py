"""The limit for lists: a plain ASGI route on granian, one asyncpg statement, orjson; no credentials, no tenant.

`BARE_SQL` is the statement, with `BARE_OF` as its one argument.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson

Send = Callable[[dict[str, Any]], Awaitable[None]]
_pool: "asyncpg.Pool[asyncpg.Record] | None" = None


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    global _pool
    if scope["type"] != "http":
        return
    if _pool is None:
        _pool = await asyncpg.create_pool(os.environ["BARE_DATABASE_URL"], min_size=1, max_size=10)
    rows = await _pool.fetch(os.environ["BARE_SQL"], int(os.environ["BARE_OF"]))
    body = orjson.dumps([dict(row) for row in rows], default=str)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
