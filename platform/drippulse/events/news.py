"""Telling other processes that an organization's event log has grown. A hint: who misses it looks by the clock."""

import asyncio
from collections.abc import Set

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "drippulse:news"
COALESCE_SECONDS = 0.01
PATIENCE_SECONDS = 2.0
ALL = 0
MOST_NAMED = 200
"""Of more organizations than that in one message none is named: everybody looks."""

log = structlog.get_logger(__name__)


class News:
    """Publishes to Redis, at most one message every `COALESCE_SECONDS`, and never holds up or fails who tells."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: set[int] = set()
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, redis_url: str) -> "News":
        """With connections of its own."""
        return cls(
            Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
                redis_url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS
            )
        )

    def tell(self, organizations: Set[int]) -> None:
        """From the event loop, after the commit."""
        self._waiting |= organizations
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            told, self._waiting = self._waiting, set()
            try:
                await self._redis.publish(CHANNEL, written(told))  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
            except (RedisError, OSError) as error:
                log.debug("news_lost", reason=str(error))
            await asyncio.sleep(COALESCE_SECONDS)

    async def close(self) -> None:
        """Ends the connections too."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        await self._redis.aclose()


def written(organizations: Set[int]) -> str:
    return str(ALL) if len(organizations) > MOST_NAMED else ",".join(map(str, organizations))


def read(message: bytes) -> set[int]:
    """Whatever is not understood is news of everybody."""
    try:
        return {int(part) for part in message.split(b",")}
    except ValueError:
        return {ALL}
