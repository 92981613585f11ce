"""Carrying out what the schedule says, against processes and services that are really there."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import redis.asyncio

from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.chaos.lab import Lab
from tests.chaos.receivers import Mood
from tests.chaos.schedule import Fault, Planned
from tests.support.smtp_sink import Behaviour

T = TypeVar("T")
BAD_MAIL = (Behaviour.HANG_AT_GREETING, Behaviour.REFUSE_TEMPORARILY, Behaviour.TAKE_AND_DROP, Behaviour.TAKE_AND_HANG)
BAD_HTTP = [mood for mood in Mood if mood is not Mood.FINE]
BAD_MOOD_SECONDS = 1.5
JUNK = (b"\x00not json", b"{}", b'{"queue_name":"engine","actor_name":"nobody","args":[],"kwargs":{},"options":{}}')
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'worker-%'
"""


@dataclass
class Faults:
    """Does one fault after another; a slot has one thing done to it at a time.

    `done` counts the faults. `armed` are failpoints to give to the next lives.
    """

    lab: Lab
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    names: Sequence[str]
    done: Counter[Fault] = field(default_factory=Counter[Fault])
    kills: int = 0
    exits: list[str] = field(default_factory=list[str])
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _ending: bool = False
    _guarding: asyncio.Task[None] | None = None

    async def play(self, planned: Sequence[Planned]) -> None:
        """The whole schedule, in its time; returns when the last fault is over."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for one in planned:
            await asyncio.sleep(max(0.0, start + one.at - loop.time()))
            while len(self._tasks) >= 8:  # a machine that cannot keep up makes the run longer, not wilder
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
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
        slots = {Fault.KILL_WEB: "web", Fault.KILL_SCHEDULER: "scheduler"}
        slot = slots.get(one.fault, one.slot)
        handlers: dict[Fault, Callable[[], Awaitable[None]]] = {
            Fault.KILL: lambda: self._kill(slot),
            Fault.KILL_WEB: lambda: self._kill(slot),
            Fault.KILL_SCHEDULER: lambda: self._kill(slot),
            Fault.FAILPOINT: lambda: self._kill(slot, f"{pick(self.names, one.choice)}@{1 + int(one.choice * 97) % 4}"),
            Fault.TERMINATE: lambda: self._terminate(slot),
            Fault.FREEZE: lambda: self._freeze(slot),
            Fault.POSTGRES: self._restart_postgres,
            Fault.CUT: self._cut,
            Fault.FLUSH: self._flush,
            Fault.REDIS: self._restart_redis,
            Fault.JUNK: self._junk,
            Fault.MAIL: lambda: self._spoil_mail(pick(BAD_MAIL, one.choice)),
            Fault.HTTP: lambda: self._spoil_http(pick(BAD_HTTP, one.choice)),
        }
        self.done[one.fault] += 1
        await handlers[one.fault]()

    async def _kill(self, slot: str, armed: str = "") -> None:
        """With `armed` the next life is one that dies at that failpoint, which counts when it happens."""
        async with self._lock(slot):
            await self._revive(slot)
            await self.lab.fleet.end(slot)
            self.kills += 1
            await self.lab.fleet.start(slot, **({"DRIPPULSE_FAILPOINT": armed} if armed else {}))

    async def _terminate(self, slot: str) -> None:
        async with self._lock(slot):
            await self._revive(slot)
            await self.lab.fleet.end(slot, signal.SIGTERM, within=40)
            await self.lab.fleet.start(slot)

    async def _freeze(self, slot: str) -> None:
        async with self._lock(slot):
            await self._revive(slot)
            self.lab.fleet.freeze(slot)
            await asyncio.sleep(self.lab.settings.lease_seconds * 1.5)
            self.lab.fleet.thaw(slot)

    async def _restart_postgres(self) -> None:
        async with self._lock("postgres"):
            assert self.postgres.pid is not None
            os.kill(self.postgres.pid, signal.SIGQUIT)
            await asyncio.to_thread(_wait_for_end, self.postgres)
            await asyncio.to_thread(self.postgres.start)

    async def _cut(self) -> None:
        async with self._lock("postgres"):
            connection = await asyncpg.connect(self.lab.superuser_url)
            try:
                await connection.execute(OTHERS)
            finally:
                await connection.close()

    async def _restart_redis(self) -> None:
        async with self._lock("redis"):
            await asyncio.to_thread(self.redis.stop)
            await asyncio.sleep(2)
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
                await client.hset("drippulse:engine.msgs", f"junk-{number}", message)  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
                await client.rpush("drippulse:engine", f"junk-{number}", f"junk-{number}", "gone")  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped
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


def _wait_for_end(postgres: EmbeddedPostgres) -> None:
    while postgres.running():
        time.sleep(0.02)


def pick(options: Sequence[T], choice: float) -> T:
    return options[min(int(choice * len(options)), len(options) - 1)]
