"""Runs simulations beside this process, so that whoever serves requests goes on serving."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drippulse.workflows.simulation.errors import SimulationBrokeError, SimulationRunningError, SimulationTooLargeError
from drippulse.workflows.simulation.job import Job
from drippulse.workflows.simulation.process import Exit, Limits

MODULE = "drippulse.workflows.simulation.process"
AT_ONCE = 2
WALL_SECONDS = 120
LIMITS = Limits()
LOCK_SECONDS = WALL_SECONDS + 5
AGAIN_SECONDS = 5
OWN_SETTINGS = "DRIPPULSE_"
OUT_OF_TIME = {int(Exit.OUT_OF_TIME), -signal.SIGXCPU, -signal.SIGKILL}
OUT_OF_MEMORY = {int(Exit.OUT_OF_MEMORY), -signal.SIGSEGV, -signal.SIGABRT}
"""Libraries in C and Rust end like this when an allocation is refused."""
# Only who has set the lock lifts it.
UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

log = structlog.get_logger(__name__)


class Simulator:
    """One per process that serves. An organization has one simulation at a time, over all processes while Redis can
    be reached, and this process `AT_ONCE`."""

    def __init__(self, redis: Redis, wall_seconds: float = WALL_SECONDS, limits: Limits = LIMITS) -> None:
        self._redis = redis
        self._wall_seconds = wall_seconds
        self._limits = limits
        self._running: set[int] = set()

    async def run(self, job: Job) -> bytes:
        """The answer (`SimulationOut` as JSON).

        Raises:
            SimulationRunningError: another one is under way; `retry_after` says when to ask again.
            SimulationTooLargeError: it used up its CPU time or its memory.
            SimulationBrokeError: it ended without an answer; the log has why.
        """
        async with self._turn(job.organization_id):
            return await self._in_process(job.model_dump_json().encode())

    @asynccontextmanager
    async def _turn(self, organization_id: int) -> AsyncGenerator[None]:
        if organization_id in self._running or len(self._running) >= AT_ONCE:
            raise _busy(organization_id in self._running)
        self._running.add(organization_id)
        key, token = f"simulation:{organization_id}", secrets.token_hex(8)
        try:
            await self._lock(key, token)
            try:
                yield
            finally:
                with suppress(RedisError, OSError):
                    await asyncio.shield(self._redis.eval(UNLOCK, 1, key, token))  # pyright: ignore[reportGeneralTypeIssues, reportUnknownMemberType, reportUnknownArgumentType] - untyped for sync and async
        finally:
            self._running.discard(organization_id)

    async def _lock(self, key: str, token: str) -> None:
        try:
            taken = await self._redis.set(key, token, ex=LOCK_SECONDS, nx=True)
        except (RedisError, OSError) as error:
            log.warning("simulation_lock_without_redis", reason=repr(error))
            return
        if not taken:
            raise _busy(own=True)

    async def _in_process(self, job: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", MODULE, *self._limits.arguments()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._wall_seconds):
                answer, complaint = await process.communicate(job)
        except TimeoutError:
            raise SimulationTooLargeError(f"{self._wall_seconds:g} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        return self._judge(process.returncode or 0, answer, complaint)

    def _judge(self, code: int, answer: bytes, complaint: bytes) -> bytes:
        if code == Exit.ANSWERED:
            return answer
        if code in OUT_OF_TIME:
            raise SimulationTooLargeError(f"its {self._limits.cpu_seconds} seconds of CPU time")
        if code in OUT_OF_MEMORY:
            log.warning("simulation_out_of_memory", exit_code=code)
            raise SimulationTooLargeError("its memory")
        log.error("simulation_broke", exit_code=code, complaint=complaint[-4000:].decode(errors="replace"))
        raise SimulationBrokeError("The simulation ended without an answer; the log of the server says why.")


def _busy(own: bool) -> SimulationRunningError:
    whose = (
        "of your organization" if own else "are under way on this server, as many as it takes, and none of them yours;"
    )
    start = "Another simulation" if own else "Simulations"
    rest = "is under way; wait for its answer" if own else "wait for one to end"
    return SimulationRunningError(f"{start} {whose} {rest} and send this one again.", AGAIN_SECONDS)
