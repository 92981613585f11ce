"""The limit for lists: a plain ASGI route on granian, one asyncpg statement, orjson; no credentials, no tenant."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson

SQL = """SELECT id, workflow_id, status, email, first_name, last_name, current_step_index, next_run_at, created_at
FROM enrollment WHERE workflow_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT 50"""

Send = Callable[[dict[str, Any]], Awaitable[None]]
_pool: "asyncpg.Pool[asyncpg.Record] | None" = None


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    global _pool
    if scope["type"] != "http":
        return
    if _pool is None:
        _pool = await asyncpg.create_pool(os.environ["BARE_DATABASE_URL"], min_size=1, max_size=10)
    rows = await _pool.fetch(SQL, int(os.environ["BARE_WORKFLOW"]))
    body = orjson.dumps([dict(row) for row in rows])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
