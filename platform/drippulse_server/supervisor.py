"""Runs child processes: their output with a name before each line, restarts after crashes, an orderly end."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from drippulse_server.guard import ProcessGuard

KEPT_LINES = 50
LONGEST_LINE = 64 * 1024
DRAIN_SECONDS = 1.0
GATHER_SECONDS = 0.02
"""Between two reads of a child's output: waking up for each line would take a fifth of what a request takes."""
Output: TypeAlias = Callable[[Sequence[str]], None]
"""Takes lines, each "name | text"."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running. `env` is its whole environment; `grace_seconds` lie between SIGTERM and SIGKILL."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    grace_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a restart: doubles from `first` to `longest`; a child that ran `stable` seconds starts afresh."""

    first: float = 0.5
    longest: float = 10.0
    stable: float = 30.0

    def seconds(self, crashes: int) -> float:
        """The wait after the `crashes`-th crash in a row (from 1)."""
        return min(self.longest, self.first * 2 ** min(crashes - 1, 32))


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: Process | None = None
    pump: asyncio.Task[None] | None = None
    keeper: asyncio.Task[None] | None = None
    restarts: int = 0
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=KEPT_LINES))


class Supervisor:
    """Starts children in order, restarts those that crash for as long as it runs, stops them in reverse order.

    Every child leads a process group of its own, so a Ctrl-C in the terminal reaches only us; the guard ends the groups
    should we be killed.

    Args:
        output: takes the lines of the children, as many at once as came together.
        guard: outlives us.
        backoff: how long to wait before a restart.
    """

    def __init__(self, output: Output, guard: ProcessGuard, backoff: Backoff | None = None) -> None:
        self._output = output
        self._guard = guard
        self._backoff = backoff or Backoff()
        self._children: dict[str, _Child] = {}

    async def start(self, spec: ChildSpec) -> None:
        """Starts a child and keeps it running; its name must be new.

        Raises:
            OSError: the program cannot be executed.
        """
        if spec.name in self._children:
            raise ValueError(f"a child named {spec.name} runs already")
        child = _Child(spec)
        process = await self._spawn(child)
        self._children[spec.name] = child
        child.keeper = asyncio.create_task(self._keep(child, process), name=f"keep {spec.name}")

    async def stop(self) -> None:
        """Stops all children, the last started first: SIGTERM, and SIGKILL to the whole group after the grace."""
        while self._children:
            _, child = self._children.popitem()
            if child.keeper is not None:
                child.keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await child.keeper
            if child.process is not None:
                await _terminate(child.process, child.spec.grace_seconds)
                await self._bury(child, child.process)

    def restarts(self, name: str) -> int:
        """How often the child was started again."""
        return self._children[name].restarts

    def pid(self, name: str) -> int | None:
        """The running process of the child; None between a crash and the restart."""
        process = self._children[name].process
        return process.pid if process is not None and process.returncode is None else None

    def recent_lines(self, name: str) -> list[str]:
        """The child's last lines of output, without the prefix."""
        return list(self._children[name].lines)

    async def _spawn(self, child: _Child) -> Process:
        # A pipe of our own: with asyncio's, wait() waits for orphans of the child that hold it, and misses the crash.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *child.spec.argv,
                env=dict(child.spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._guard.add(process.pid)
        child.process = process
        child.pump = asyncio.create_task(self._pump(child, reading), name=f"output of {child.spec.name}")
        return process

    async def _keep(self, child: _Child, process: Process) -> None:
        """Follows a child through its lives until it is cancelled."""
        loop = asyncio.get_running_loop()
        crashes = 0
        while True:
            began = loop.time()
            code = await process.wait()
            await self._bury(child, process)
            crashes = 1 if loop.time() - began >= self._backoff.stable else crashes + 1
            delay = self._backoff.seconds(crashes)
            self._say(child, f"ended unexpectedly ({describe_exit(code)}); starting again in {delay:g} s")
            await asyncio.sleep(delay)
            process = await self._respawn(child)
            child.restarts += 1

    async def _respawn(self, child: _Child) -> Process:
        while True:
            try:
                return await self._spawn(child)
            except OSError as error:
                self._say(child, f"cannot be started ({error}); trying again in {self._backoff.longest:g} s")
                await asyncio.sleep(self._backoff.longest)

    async def _bury(self, child: _Child, process: Process) -> None:
        """Ends what a process that has ended left of its group, and passes on its last words."""
        _kill_group(process.pid)
        self._guard.remove(process.pid)
        if child.pump is not None:
            await asyncio.wait((child.pump,), timeout=DRAIN_SECONDS)
            child.pump.cancel()

    async def _pump(self, child: _Child, descriptor: int) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(descriptor, "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        rest = b""
        try:
            while chunk := await reader.read(LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) >= LONGEST_LINE:
                    lines.append(rest)
                    rest = b""
                self._take(child, lines)
                transport.pause_reading()  # else each line is read as it comes
                await asyncio.sleep(GATHER_SECONDS)
                transport.resume_reading()
        finally:
            if rest:
                self._take(child, [rest])
            transport.close()

    def _take(self, child: _Child, lines: Sequence[bytes]) -> None:
        texts = [line.decode(errors="replace").rstrip("\r") for line in lines]
        child.lines.extend(texts)
        self._say(child, *texts)

    def _say(self, child: _Child, *texts: str) -> None:
        self._output([f"{child.spec.name:<9} | {text}" for text in texts])


def describe_exit(code: int) -> str:
    """An exit status in words: "exit code 3", "killed by SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


async def _terminate(process: Process, grace_seconds: float) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(grace_seconds):
            await process.wait()
    except TimeoutError:
        _kill_group(process.pid)
        await process.wait()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(group, signal.SIGKILL)
