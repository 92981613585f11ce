"""The limit for subscriptions: a plain ASGI application on granian that sends what Redis publishes to every WebSocket.

`BARE_REDIS` is the URL of Redis, `CHANNEL` what is listened to. No credentials, no log, no selection of fields.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

CHANNEL = "bench:fanout"
Send = Callable[[dict[str, Any]], Awaitable[None]]
_sockets: set[Send] = set()
_listening: asyncio.Task[None] | None = None


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    global _listening
    if scope["type"] != "websocket":
        return
    if _listening is None:
        _listening = asyncio.create_task(_listen())
    await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
    _sockets.add(send)
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        _sockets.discard(send)


async def _listen() -> None:
    redis = Redis.from_url(os.environ["BARE_REDIS"])  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    async with redis.pubsub() as channel:  # pyright: ignore[reportUnknownMemberType]
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if message["type"] == "message":
                text: str = message["data"].decode()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
                await asyncio.gather(*(one({"type": "websocket.send", "text": text}) for one in list(_sockets)))
