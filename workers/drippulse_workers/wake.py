"""Sending wake-ups from web and scheduler processes, and whether a worker can hear them."""

import asyncio
import time
from typing import cast

import structlog
from dramatiq.errors import DramatiqError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drippulse.settings import Settings
from drippulse_workers.actors import wake_message
from drippulse_workers.broker import NAMESPACE, QUEUE, create_broker

COALESCE_SECONDS = 0.02
ENOUGH_MESSAGES = 100
PATIENCE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class DramatiqWaker:
    """Implements `Waker`: one message, at most one every `COALESCE_SECONDS`, never an error to the caller."""

    def __init__(self, settings: Settings) -> None:
        self._broker = create_broker(settings)
        self._pending: asyncio.Task[None] | None = None
        self._last = 0.0

    async def wake(self) -> None:
        if self._pending is None or self._pending.done():
            self._pending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        await asyncio.sleep(max(0.0, self._last + COALESCE_SECONDS - time.monotonic()))
        self._last = time.monotonic()
        try:
            await asyncio.to_thread(self._enqueue)
        except (RedisError, DramatiqError, OSError) as error:
            log.warning("wake_up_lost", reason=str(error))

    def _enqueue(self) -> None:
        waiting = cast("int", self._broker.client.llen(f"{NAMESPACE}:{QUEUE}"))  # pyright: ignore[reportUnknownMemberType] - redis types its commands for both of its clients
        if waiting >= ENOUGH_MESSAGES:
            return  # nobody reads them now, and one is as good as a hundred
        self._broker.enqueue(wake_message())  # pyright: ignore[reportUnknownMemberType] - dramatiq leaves Message's result type open

    async def close(self) -> None:
        if self._pending is not None:
            await asyncio.wait([self._pending], timeout=2)
        await asyncio.to_thread(self._broker.close)


class Ear:
    """Whether the place that wake-ups go through is there."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
            settings.redis_url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS
        )

    async def hears(self) -> bool:
        try:
            await self._redis.ping()  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        except (RedisError, OSError):
            return False
        return True

    async def close(self) -> None:
        await self._redis.aclose()
