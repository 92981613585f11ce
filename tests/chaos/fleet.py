"""The product's processes, each life with a name of its own, started and ended from outside."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from drippulse_server.embedded.processes import process_guard
from tests.chaos.presence import Span, without


@dataclass
class Life:
    """One process from start to end. `name` is its slot and number, as the database's `application_name` tells it.

    `ended_at` (seconds since 1970) is when it was signalled, or else when it ended by itself; `ready_at` when it was
    first seen at work, `frozen` when it was stopped.
    """

    slot: str
    name: str
    process: asyncio.subprocess.Process
    ended_at: float | None = None
    ended_by: signal.Signals | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ready_at: float | None = None
    frozen: list[Span] = field(default_factory=list[Span])

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def note_ready(self) -> None:
        if self.ready_at is None:
            self.ready_at = time.time()
            self.ready.set()

    async def ready_or_ended(self, within: float) -> None:
        """Waits until it is the one or the other, at most so many seconds."""
        waits = [asyncio.ensure_future(self.ready.wait()), asyncio.ensure_future(self.process.wait())]
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()

    def at_work(self, now: float) -> list[Span]:
        """From when to when it was ready and not stopped, until `now`."""
        if self.ready_at is None:
            return []
        return list(without([(self.ready_at, self.ended_at or now)], self.frozen))


@dataclass
class Fleet:
    """Slots such as worker-0, scheduler and web; a slot has one life at a time.

    Whatever ends this process ends them too. `commands`: slot -> arguments after `python -m`.
    """

    environment: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]
    log: Path
    lives: dict[str, Life] = field(default_factory=dict[str, Life])
    past: list[Life] = field(default_factory=list[Life])
    _watchers: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _count: int = 0
    _output: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._output = self.log.open("ab")
        return self

    async def __aexit__(self, *_: object) -> None:
        for life in list(self.lives.values()):
            self._send(life, signal.SIGCONT)
            self._send(life, signal.SIGKILL)
        for life in list(self.lives.values()):
            await self._bury(life)
        if self._output is not None:
            self._output.close()

    async def start(self, slot: str, **changes: str) -> Life:
        """A new life in an empty slot; `changes` are further environment variables."""
        assert slot not in self.lives, slot
        self._count += 1
        name = f"{slot}.{self._count}"
        environment = {**self.environment, **changes}
        for variable in ("DRIPPULSE_DATABASE_URL", "DRIPPULSE_DATABASE_OWNER_URL"):
            environment[variable] += f"&application_name={name}"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.commands[slot],
            env=environment,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        process_guard().add(process.pid, signal.SIGKILL)
        life = Life(slot, name, process)
        self.lives[slot] = life
        watcher = asyncio.create_task(_watch(life))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return life

    async def end(self, slot: str, by: signal.Signals = signal.SIGKILL, within: float = 20) -> Life:
        """Signal the slot's process and wait for its end; the slot is empty then.

        Raises:
            TimeoutError: it did not end.
        """
        life = self.lives[slot]
        life.ended_at, life.ended_by = time.time(), by
        self._send(life, by)
        await asyncio.wait_for(life.process.wait(), within)
        return await self._bury(life)

    async def died(self, slot: str, within: float) -> bool:
        """Whether the process ends by itself (at a failpoint) in time; the slot is empty then."""
        life = self.lives[slot]
        try:
            await asyncio.wait_for(life.process.wait(), within)
        except TimeoutError:
            return False
        life.ended_by = signal.SIGKILL
        await self._bury(life)
        return True

    def freeze(self, slot: str) -> None:
        self.lives[slot].frozen.append((time.time(), float("inf")))
        self._send(self.lives[slot], signal.SIGSTOP)

    def thaw(self, slot: str) -> None:
        self._send(self.lives[slot], signal.SIGCONT)
        self.lives[slot].frozen[-1] = self.lives[slot].frozen[-1][0], time.time()

    @staticmethod
    def _send(life: Life, what: signal.Signals) -> None:
        """To the whole process group: granian has children."""
        if life.alive:
            os.killpg(life.process.pid, what)

    async def _bury(self, life: Life) -> Life:
        await life.process.wait()
        process_guard().remove(life.process.pid)
        self.lives.pop(life.slot, None)
        self.past.append(life)
        return life


async def _watch(life: Life) -> None:
    await life.process.wait()
    life.ended_at = life.ended_at or time.time()
