"""Guessing passwords is slow: attempts are counted by account and by address, over every process and login route.

An attempt is counted before the password is looked at, so that a hundred at once are a hundred, and taken back when it
was right. Redis holds the counters. While it cannot be reached each process counts for itself.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drippulse.kit.crypto import sha256_hex
from drippulse.organizations.errors import TooManyLoginsError

WINDOW_SECONDS = 900
ACCOUNT_ATTEMPTS = 10
ADDRESS_ATTEMPTS = 100
REMEMBERED = 10_000
UNREACHABLE = (RedisError, OSError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Counter:
    """`name` tells nothing about who it counts."""

    name: str
    most: int


class LoginThrottle:
    """One per process. Limits are failed attempts within `WINDOW_SECONDS`, which begin with the first."""

    def __init__(
        self, redis: Redis, *, account_attempts: int = ACCOUNT_ATTEMPTS, address_attempts: int = ADDRESS_ATTEMPTS
    ) -> None:
        self._redis = redis
        self._account_attempts = account_attempts
        self._address_attempts = address_attempts
        self._own: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def attempt(self, username: str, address: str) -> None:
        """Count one attempt; unknown names count like known ones.

        Raises:
            TooManyLoginsError: it is one too many; `retry_after` says when the next is taken.
        """
        counters = self._counters(username, address)
        try:
            found = await self._count(counters)
        except UNREACHABLE as error:
            log.warning("login_throttle_without_redis", reason=repr(error))
            found = [self._count_here(counter) for counter in counters]
        over = [(count - counter.most, seconds) for counter, (count, seconds) in zip(counters, found, strict=True)]
        waits = [seconds for excess, seconds in over if excess > 0]
        if waits:
            raise TooManyLoginsError(max(waits), first=any(excess == 1 for excess, _ in over))

    async def succeeded(self, username: str, address: str) -> None:
        """The password was right: the account's attempts are forgotten, and this one of the address."""
        account, origin = self._counters(username, address)
        self._own.pop(account.name, None)
        if origin.name in self._own:
            count, ends = self._own[origin.name]
            self._own[origin.name] = (count - 1, ends)
        try:
            pipeline = cast("Any", self._redis.pipeline(transaction=True))
            pipeline.delete(account.name)
            pipeline.set(origin.name, 0, ex=WINDOW_SECONDS, nx=True)
            pipeline.decr(origin.name)
            await pipeline.execute()
        except UNREACHABLE as error:
            log.warning("login_throttle_without_redis", reason=repr(error))

    def _counters(self, username: str, address: str) -> tuple[_Counter, _Counter]:
        return (
            _Counter(f"login:account:{sha256_hex(username.lower())[:32]}", self._account_attempts),
            _Counter(f"login:address:{sha256_hex(address)[:32]}", self._address_attempts),
        )

    async def _count(self, counters: tuple[_Counter, ...]) -> list[tuple[int, int]]:
        """(attempts, seconds until they are forgotten) of each counter, this attempt included."""
        pipeline = cast("Any", self._redis.pipeline(transaction=True))
        for counter in counters:
            pipeline.set(counter.name, 0, ex=WINDOW_SECONDS, nx=True)
            pipeline.incr(counter.name)
            pipeline.ttl(counter.name)
        answers: list[Any] = await pipeline.execute()
        return [(int(answers[at + 1]), max(1, int(answers[at + 2]))) for at in range(0, len(answers), 3)]

    def _count_here(self, counter: _Counter) -> tuple[int, int]:
        now = time.monotonic()
        count, ends = self._own.pop(counter.name, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + WINDOW_SECONDS
        self._own[counter.name] = (count + 1, ends)
        while len(self._own) > REMEMBERED:
            self._own.popitem(last=False)
        return count + 1, max(1, round(ends - now))
