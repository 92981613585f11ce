"""Rate limits: a bucket of requests for each credential, kept in Redis and shared by every process.

A bucket holds one minute's requests and fills evenly. While Redis cannot be reached, or right after it was emptied,
requests pass: the limit protects the service from a caller who means no harm, it is no guard.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drippulse.kit.errors import RateLimitedError

PATIENCE_SECONDS: Final = 1.0
"""How long a request waits for Redis."""
AWAY_SECONDS: Final = 2.0
"""How long nobody asks again after Redis did not answer."""
STATE: Final = "rate_limit"
UNREACHABLE = (RedisError, OSError, TimeoutError)

# The generic cell rate algorithm: what is kept of a bucket is the time at which it is full again, in microseconds.
# For each request it answers whether it is taken, how many are left, and the microseconds until the bucket is full and
# until the next request is taken.
TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answers = {}
for place, key in ipairs(KEYS) do
  local each = 60000000 / ARGV[place]
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local after = full + each
  if after - now > 60000000 then
    answers[place] = {0, 0, full - now, after - now - 60000000}
  else
    redis.call('SET', key, string.format('%.0f', after), 'PX', math.max(1, math.ceil((after - now) / 1000)))
    answers[place] = {1, math.floor((60000000 - (after - now)) / each + 0.000001), after - now, 0}
  end
end
return answers
"""
MOST_TOGETHER: Final = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a credential has left: `limit` requests a minute, `remaining` at once, all again in `reset` seconds.

    `retry_after` is None when the request is taken, else the seconds until one is.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return (
            (b"ratelimit-limit", str(self.limit).encode()),
            (b"ratelimit-remaining", str(self.remaining).encode()),
            (b"ratelimit-reset", str(self.reset).encode()),
        )

    def require(self) -> None:
        """Raises RateLimitedError when the request is one too many."""
        if self.retry_after is not None:
            wait = "1 second" if self.retry_after == 1 else f"{self.retry_after} seconds"
            raise RateLimitedError(
                f"This credential may send {self.limit} requests a minute. Try again in {wait}.", self.retry_after
            )


@dataclass(frozen=True, slots=True)
class _Request:
    key: str
    limit: int
    allowance: asyncio.Future[Allowance | None]


class RateLimiter:
    """One per process. Requests that come while Redis is asked are asked for together next."""

    def __init__(self, redis: Redis, default: int, patience: float = PATIENCE_SECONDS) -> None:
        """`default` is in requests a minute; 0 is no limit."""
        self._take = cast("Any", redis).register_script(TAKE)
        self._default = default
        self._patience = patience
        self._away_until = 0.0
        self._waiting: deque[_Request] = deque()
        self._asking: asyncio.Task[None] | None = None

    async def count(self, credential: str, own: int | None, state: MutableMapping[str, Any]) -> None:
        """`take` one request, and leave what is left of the bucket in the request's state.

        Raises:
            RateLimitedError: it is one too many.
        """
        allowance = await self.take(credential, own)
        if allowance is not None:
            state[STATE] = allowance
            allowance.require()

    async def take(self, credential: str, own: int | None) -> Allowance | None:
        """Count one request of a credential; None when there is no limit or nobody can tell.

        Args:
            own: the credential's own limit instead of the default; 0 is no limit.
        """
        limit = self._default if own is None else own
        if limit <= 0 or time.monotonic() < self._away_until:
            return None
        loop = asyncio.get_running_loop()
        request = _Request(f"rate:{credential}", limit, loop.create_future())
        self._waiting.append(request)
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._ask(), name="rate limits")
        return await request.allowance

    async def _ask(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
            try:
                allowances = await self._allowances(together)
            except UNREACHABLE as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("rate_limit_without_redis", reason=repr(error))
                together.extend(self._waiting)
                self._waiting.clear()
                allowances = [None] * len(together)
            except BaseException:  # nobody may wait for ever
                for request in (*together, *self._waiting):
                    request.allowance.cancel()
                self._waiting.clear()
                raise
            for request, allowance in zip(together, allowances, strict=True):
                if not request.allowance.done():  # else its caller has gone
                    request.allowance.set_result(allowance)

    async def _allowances(self, requests: Sequence[_Request]) -> Sequence[Allowance | None]:
        async with asyncio.timeout(self._patience):
            answers: list[list[int]] = await self._take(
                keys=[request.key for request in requests], args=[request.limit for request in requests]
            )
        return [
            Allowance(request.limit, remaining, _seconds(full), None if taken else max(1, _seconds(wait)))
            for request, (taken, remaining, full, wait) in zip(requests, answers, strict=True)
        ]


def allowance_of(state: Mapping[str, Any]) -> Allowance | None:
    """What `count` left in the state of a request, for the headers of its answer."""
    return state.get(STATE)


def _seconds(microseconds: int) -> int:
    return -(-microseconds // 1_000_000)
