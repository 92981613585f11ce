"""Imports beside a worker: a process of its own carries them out, there only while something is to be imported."""

import asyncio
import contextlib
import sys

import asyncpg
import structlog

from drippulse.crm.importing import queries
from drippulse.crm.importing.process import MODULE
from drippulse.kit.db import Database, Role
from drippulse.settings import Settings

PAUSE_SECONDS = 1.0
"""Between two looks: however often a worker is woken, it looks no more often."""
PAUSE_AFTER_FAILURE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class ImportLoop:
    """`poke` says that there may be something to import."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.model_copy(update={"database_pool_size": 1}))
        self._poked = asyncio.Event()
        self._poked.set()  # what came while no worker ran

    def poke(self) -> None:
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled; then the process ends at once, and its import goes on elsewhere or later."""
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
                return await queries.anything_to_do(session)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("imports_not_looked_for", reason=str(error) or type(error).__name__)
            return False  # the scheduler wakes us again

    async def _carry_out(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE), stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)
        if code:
            log.warning("import_process_ended", exit_code=code)
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()  # what it has not committed does not count
    await asyncio.shield(process.wait())
