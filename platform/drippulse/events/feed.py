"""The live end of the event log, read once per process for everybody who watches it."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drippulse.events.log_position import LogPosition
from drippulse.events.log_reading import LogEntry, LogPart, log_end, read_on
from drippulse.events.news import ALL, CHANNEL, read
from drippulse.kit.db import Database, Role

AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
log = structlog.get_logger(__name__)


class Watcher(Protocol):
    """Somebody who watches one organization."""

    @property
    def organization_id(self) -> int: ...

    def hear(self, entries: Sequence[LogEntry], end: LogPosition) -> None:
        """The next entries, in order, each once; `end` is how far the log was read. Returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds."""

    poll: float = 5.0
    poll_alone: float = 1.0  # while Redis is away
    held_first: float = 0.005  # while an open transaction holds entries back
    held_longest: float = 0.2
    failed: float = 0.5


@dataclass(slots=True)
class _Joining:
    watcher: Watcher
    joined: "asyncio.Future[LogPosition]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Feed:
    """Reads on whenever somebody says that there is news, and by the clock. Asleep while nobody watches.

    Redis only wakes: what it loses is read by the clock. A database that is away is waited for.
    """

    def __init__(self, database: Database, redis: Redis, pace: Pace = Pace()) -> None:
        self._database = database
        self._redis = redis
        self._pace = pace
        self._watchers: dict[int, list[Watcher]] = {}
        self._joining: deque[_Joining] = deque()
        self._position: LogPosition | None = None
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._redis_hears = False
        self._on_close: list[Callable[[], Awaitable[None]]] = []
        self.rounds = 0

    @property
    def watched(self) -> int:
        """Organizations that somebody watches."""
        return len(self._watchers)

    async def join(self, watcher: Watcher) -> LogPosition:
        """From here on `watcher` hears everything behind the position that is answered; it may join again."""
        joining = _Joining(watcher)
        self._joining.append(joining)
        self._news.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._listen())]
        return await joining.joined

    def leave(self, watcher: Watcher) -> None:
        self._joining = deque(one for one in self._joining if one.watcher is not watcher)
        there = self._watchers.get(watcher.organization_id, [])
        if watcher in there:
            there.remove(watcher)
        if not there:
            self._watchers.pop(watcher.organization_id, None)

    def told(self, organizations: Set[int]) -> None:
        """News of these organizations, from this process or another one."""
        if ALL in organizations or not organizations.isdisjoint(self._watchers):
            self._news.set()

    def on_close(self, hook: Callable[[], Awaitable[None]]) -> None:
        """`hook` sends away those who watch; it is called while the feed still reads."""
        self._on_close.append(hook)

    async def send_away(self) -> None:
        """Ask all who watch to leave: this process is going to stop."""
        hooks, self._on_close = self._on_close, []
        for hook in hooks:
            await hook()

    async def close(self) -> None:
        await self.send_away()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        for joining in self._joining:
            joining.joined.cancel()

    async def _run(self) -> None:
        held = self._pace.held_first
        wait = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()
            self._news.clear()
            if not self._watchers and not self._joining:
                self._position, wait = None, self._pace.poll * 100
                continue
            try:
                part = await self._round()
            except Exception as error:  # nothing may end the feed; what was not read is read again
                log.warning("feed_failed", reason=str(error) or type(error).__name__, exc_info=not _away(error))
                await asyncio.sleep(self._pace.failed)
                wait = 0.0
                continue
            if part is not None and part.more:
                wait = 0.0
            elif part is not None and part.held:
                wait, held = held, min(held * 2, self._pace.held_longest)
            else:
                wait, held = self._rest, self._pace.held_first

    @property
    def _rest(self) -> float:
        return self._pace.poll if self._redis_hears else self._pace.poll_alone

    async def _round(self) -> LogPart | None:
        """Read once, hand out, let in who wants to join."""
        self.rounds += 1
        joining, self._joining = self._joining, deque()
        try:
            part = await self._read()
        except BaseException:
            self._joining.extendleft(reversed(joining))
            raise
        for entries in _by_organization(part).values() if part is not None else ():
            for watcher in list(self._watchers.get(entries[0].organization_id, ())):
                watcher.hear(entries, self._position or entries[-1].position)
        for one in joining:
            if not one.joined.done() and self._position is not None:  # else it has gone meanwhile
                there = self._watchers.setdefault(one.watcher.organization_id, [])
                if one.watcher not in there:
                    there.append(one.watcher)
                one.joined.set_result(self._position)
        return part

    async def _read(self) -> LogPart | None:
        async with self._database.session(Role.ENGINE) as session:
            if self._position is None:
                self._position = await log_end(session)
                return None
            part = await read_on(session, self._position, self._watchers)
        self._position = part.end
        return part

    async def _listen(self) -> None:
        """Hear from Redis. After every silence there is news: something may have been missed."""
        while True:
            try:
                async with self._redis.pubsub() as channel:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
                    await channel.subscribe(CHANNEL)
                    self._redis_hears = True
                    self.told({ALL})
                    await self._hear_all(channel)
            except (RedisError, OSError) as error:
                log.debug("news_not_heard", reason=str(error))
            self._redis_hears = False
            self.told({ALL})
            await asyncio.sleep(self._pace.poll_alone)

    async def _hear_all(self, channel: Any) -> None:
        spoke = time.monotonic()
        while True:
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if message is not None:
                spoke = time.monotonic()
                if message["type"] == "message":  # and no answer to a ping
                    self.told(read(message["data"]))
            elif time.monotonic() - spoke > self._pace.poll:
                await channel.ping()
                spoke = time.monotonic()


def _by_organization(part: LogPart) -> dict[int, list[LogEntry]]:
    found: dict[int, list[LogEntry]] = {}
    for entry in part.entries:
        found.setdefault(entry.organization_id, []).append(entry)
    return found


def _away(error: Exception) -> bool:
    return isinstance(error, AWAY)
