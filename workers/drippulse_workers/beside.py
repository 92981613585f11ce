"""Work beside a worker: a process of its own does it, there only while there is something to do."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from drippulse.kit.db import Database, Role, Session
from drippulse.settings import Settings

PAUSE_SECONDS = 1.0
"""Between two looks: however often a worker is woken, it looks no more often."""
PAUSE_AFTER_FAILURE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class BesideLoop:
    """`poke` says that there may be something to do.

    Args:
        module: what the process runs; it ends when nothing waits any more.
        waits: asked as the engine: whether anything does.
    """

    def __init__(self, settings: Settings, module: str, waits: Callable[[Session], Awaitable[bool]]) -> None:
        self._module = module
        self._ask = waits
        self._database = Database(settings.model_copy(update={"database_pool_size": 1}))
        self._poked = asyncio.Event()
        self._poked.set()  # what came while no worker ran

    def poke(self) -> None:
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled; then the process ends at once, and its work goes on elsewhere or later."""
        await self._database.open()
        try:
            while True:
                await self._poked.wait()
                self._poked.clear()
                if await self._waits():
                    await self._carry_out()
                    self.poke()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await self._database.close()

    async def _waits(self) -> bool:
        try:
            async with self._database.session(Role.ENGINE) as session:
                return await self._ask(session)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("work_not_looked_for", module=self._module, reason=str(error) or type(error).__name__)
            return False  # the scheduler wakes us again

    async def _carry_out(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module), stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)
        if code:
            log.warning("process_ended", module=self._module, exit_code=code)
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()  # what it has not committed does not count
    await asyncio.shield(process.wait())
