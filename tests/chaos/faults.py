"""Carrying out what the schedule says, against processes and services that are really there."""

import asyncio
import json
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import redis.asyncio

from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from drippulse_workers.actors import wake_message
from tests.chaos.lab import Lab
from tests.chaos.receivers import Mood
from tests.chaos.schedule import Fault, Planned
from tests.support.skewed_clock import VARIABLE as CLOCK
from tests.support.smtp_sink import Behaviour

T = TypeVar("T")
BAD_MAIL = (Behaviour.HANG_AT_GREETING, Behaviour.REFUSE_TEMPORARILY, Behaviour.TAKE_AND_DROP, Behaviour.TAKE_AND_HANG)
BAD_HTTP = [mood for mood in Mood if mood is not Mood.FINE]
BAD_MOOD_SECONDS = 1.5
HOUR, MONTH = 3600, 30 * 86_400
CLOCKS_OFF = (-MONTH, -HOUR, HOUR, MONTH)
START_SECONDS = 20.0
KILLS_AT_THE_START = 5
"""One kill in so many may hit a worker that still starts."""
API_ARMED_SECONDS = 3.0
REDIS_RESTART_SECONDS = 2.0
QUEUE, MESSAGES = "drippulse:engine", "drippulse:engine.msgs"
JUNK = (b"\x00not json", b"{}", b'{"queue_name":"engine","actor_name":"nobody","args":[],"kwargs":{},"options":{}}')
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'worker-%'
"""


@dataclass
class Faults:
    """Does one fault after another; a slot has one thing done to it at a time.

    `names` are failpoints of workers, `api_names` those of the API. What is away for long is so for `away_seconds`.
    `done` counts the faults; `outages` are from when to when (seconds since 1970) PostgreSQL took no connections.
    """

    lab: Lab
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    names: Sequence[str]
    api_names: Sequence[str] = ()
    away_seconds: float = 5.0
    outages: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    done: Counter[Fault] = field(default_factory=Counter[Fault])
    kills: int = 0
    exits: list[str] = field(default_factory=list[str])
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _ending: bool = False
    _guarding: asyncio.Task[None] | None = None

    async def play(self, planned: Sequence[Planned], within: float | None = None) -> None:
        """The whole schedule, or what of it begins within so many seconds; returns when the last fault is over."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for one in planned:
            await asyncio.sleep(max(0.0, start + one.at - loop.time()))
            while len(self._tasks) >= 8:  # a machine that cannot keep up makes the run longer, not wilder
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if within is not None and loop.time() - start > within:
                break
            self._track(self._carry_out(one))
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def guard(self) -> None:
        """Give every slot whose process ended by itself a new life, until `end`."""
        while not self._ending:
            for slot in list(self.lab.fleet.commands):
                if not self._lock(slot).locked():
                    async with self._lock(slot):
                        await self._revive(slot)
            await asyncio.sleep(0.1)

    async def _revive(self, slot: str) -> None:
        life = self.lab.fleet.lives.get(slot)
        if life is None or life.alive:
            return
        code = life.process.returncode
        await self.lab.fleet.died(slot, 1)
        if code == -signal.SIGKILL:
            self.kills += 1
        else:
            self.exits.append(f"{life.name}: {code}")
        await self.lab.fleet.start(slot)

    def keep(self, guard: asyncio.Task[None]) -> None:
        """The guard goes on through the drain; what it raises is raised by `end`."""
        self._guarding = guard

    async def end(self) -> None:
        self._ending = True
        if self._guarding is not None:
            await self._guarding

    def _track(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        task.result()

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _carry_out(self, one: Planned) -> None:
        schedulers = [slot for slot in self.lab.fleet.commands if slot.startswith("scheduler")]
        slots = {Fault.KILL_WEB: "web", Fault.KILL_SCHEDULER: pick(schedulers, one.choice)}
        slot = slots.get(one.fault, one.slot)
        handlers: dict[Fault, Callable[[], Awaitable[None]]] = {
            Fault.KILL: lambda: self._kill(slot),
            Fault.KILL_WEB: lambda: self._kill(slot),
            Fault.KILL_WEB_AT_COMMIT: lambda: self._kill_web_at_commit(one.choice),
            Fault.CLOCK: lambda: self._kill(slot, **{CLOCK: str(pick(CLOCKS_OFF, one.choice))}),
            Fault.KILL_SCHEDULER: lambda: self._kill(slot),
            Fault.FAILPOINT: lambda: self._kill(slot, DRIPPULSE_FAILPOINT=_armed(self.names, one.choice)),
            Fault.TERMINATE: lambda: self._terminate(slot),
            Fault.FREEZE: lambda: self._freeze(slot, self.lab.settings.lease_seconds * 1.5),
            Fault.FREEZE_LONG: lambda: self._freeze(slot, self.away_seconds),
            Fault.POSTGRES: lambda: self._restart_postgres(0),
            Fault.POSTGRES_AWAY: lambda: self._restart_postgres(self.away_seconds),
            Fault.CUT: self._cut,
            Fault.FLUSH: self._flush,
            Fault.REDIS: lambda: self._restart_redis(REDIS_RESTART_SECONDS),
            Fault.REDIS_AWAY: lambda: self._restart_redis(self.away_seconds),
            Fault.JUNK: self._junk,
            Fault.STALE: self._stale,
            Fault.MAIL: lambda: self._spoil_mail(pick(BAD_MAIL, one.choice)),
            Fault.HTTP: lambda: self._spoil_http(pick(BAD_HTTP, one.choice)),
        }
        self.done[one.fault] += 1
        await handlers[one.fault]()

    async def _kill(self, slot: str, **changes: str) -> None:
        """`changes` are variables of the next life: one may die at a failpoint, which counts when it happens."""
        async with self._lock(slot):
            await self._revive(slot)
            await self._until_it_works(slot)
            if not self.lab.fleet.lives[slot].alive:
                await self._revive(slot)  # at the failpoint that it had, or for want of PostgreSQL
            await self.lab.fleet.end(slot)
            self.kills += 1
            await self.lab.fleet.start(slot, **changes)

    async def _until_it_works(self, slot: str) -> None:
        """Most kills of a worker wait until it does something: one that only starts has nothing to lose."""
        if slot.startswith("worker") and self.kills % KILLS_AT_THE_START:
            await self.lab.fleet.lives[slot].ready_or_ended(START_SECONDS)

    async def _kill_web_at_commit(self, choice: float) -> None:
        """For some seconds the API dies whenever it has committed something and not answered it yet."""
        await self._kill("web", DRIPPULSE_FAILPOINT=_armed(self.api_names, choice))
        await asyncio.sleep(API_ARMED_SECONDS)
        await self._kill("web")

    async def _terminate(self, slot: str) -> None:
        async with self._lock(slot):
            await self._revive(slot)
            await self.lab.fleet.end(slot, signal.SIGTERM, within=40)
            await self.lab.fleet.start(slot)

    async def _freeze(self, slot: str, seconds: float) -> None:
        async with self._lock(slot):
            await self._revive(slot)
            self.lab.fleet.freeze(slot)
            await asyncio.sleep(seconds)
            self.lab.fleet.thaw(slot)

    async def _restart_postgres(self, away_seconds: float) -> None:
        """As after a crash: it has to recover before it takes connections again."""
        async with self._lock("postgres"):
            assert self.postgres.pid is not None
            began = time.time()
            os.kill(self.postgres.pid, signal.SIGQUIT)
            await asyncio.to_thread(_wait_for_end, self.postgres)
            await asyncio.sleep(away_seconds)
            await asyncio.to_thread(self.postgres.start)
            self.outages.append((began, time.time()))

    async def _cut(self) -> None:
        async with self._lock("postgres"):
            connection = await asyncpg.connect(self.lab.superuser_url)
            try:
                await connection.execute(OTHERS)
            finally:
                await connection.close()

    async def _restart_redis(self, away_seconds: float) -> None:
        async with self._lock("redis"):
            await asyncio.to_thread(self.redis.stop)
            await asyncio.sleep(away_seconds)
            await asyncio.to_thread(self.redis.start)

    async def _flush(self) -> None:
        async with self._lock("redis"):
            client = redis.asyncio.from_url(self.redis.url)  # pyright: ignore[reportUnknownMemberType] - untyped
            await client.flushall()  # pyright: ignore[reportUnknownMemberType] - untyped
            await client.aclose()

    async def _junk(self) -> None:
        """On the queue itself: what is no message, an actor that nobody has, an id without a message, an id twice."""
        async with self._lock("redis"):
            client = redis.asyncio.from_url(self.redis.url)  # pyright: ignore[reportUnknownMemberType] - untyped
            for number, message in enumerate(JUNK):
                await client.hset(MESSAGES, f"junk-{number}", message)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
                await client.rpush(QUEUE, f"junk-{number}", f"junk-{number}", "gone")  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
            await client.aclose()

    async def _stale(self) -> None:
        """Wake-ups of a month ago, each twice, and whatever waits on the queue in the other order."""
        async with self._lock("redis"):
            client = redis.asyncio.from_url(self.redis.url)  # pyright: ignore[reportUnknownMemberType] - untyped
            waiting = await client.lrange(QUEUE, 0, -1)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues, reportUnknownVariableType] - untyped
            old = dict(_stale_message() for _ in range(3))
            for message_id, content in old.items():
                await client.hset(MESSAGES, message_id, content)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
            await client.delete(QUEUE)  # pyright: ignore[reportUnknownMemberType] - untyped
            await client.rpush(QUEUE, *old, *reversed(waiting), *old)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues, reportUnknownArgumentType] - untyped
            await client.aclose()

    async def _spoil_mail(self, behaviour: Behaviour) -> None:
        async with self._lock("mail"):
            self.lab.sink.behaviour = behaviour
            await asyncio.sleep(BAD_MOOD_SECONDS)
            self.lab.sink.behaviour = Behaviour.ACCEPT

    async def _spoil_http(self, mood: Mood) -> None:
        async with self._lock("http"):
            self.lab.receiver.mood = mood
            await asyncio.sleep(BAD_MOOD_SECONDS)
            self.lab.receiver.mood = Mood.FINE


def _armed(names: Sequence[str], choice: float) -> str:
    """A failpoint, and the how manieth pass of it."""
    return f"{pick(names, choice)}@{1 + int(choice * 97) % 4}"


def _stale_message() -> tuple[str, str]:
    """A wake-up of a month ago: its id on the queue, and its content."""
    message_id, long_ago = str(uuid.uuid4()), int((time.time() - MONTH) * 1000)
    options = {"redis_message_id": message_id}
    message = {**wake_message().asdict(), "options": options, "message_timestamp": long_ago}
    return message_id, json.dumps(message)


def _wait_for_end(postgres: EmbeddedPostgres) -> None:
    while postgres.running():
        time.sleep(0.02)


def pick(options: Sequence[T], choice: float) -> T:
    return options[min(int(choice * len(options)), len(options) - 1)]
