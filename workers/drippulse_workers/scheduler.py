"""The scheduler: goes through its chores, and wakes the workers when one of them found something to do."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

import asyncpg
import structlog

from drippulse.enrollments.wake import Waker
from drippulse.kit.db import Database
from drippulse_workers.asking import Asking
from drippulse_workers.chores import CHORES, Chore

log = structlog.get_logger(__name__)


class Scheduler:
    """One round every `interval` seconds, of quick and of long chores by themselves; a chore that fails is logged, and
    the next round tries it again."""

    def __init__(self, database: Database, waker: Waker, interval: float, chores: Sequence[Chore] = CHORES) -> None:
        self._database = database
        self._waker = waker
        self._interval = interval
        self._chores = chores
        self._next = dict.fromkeys((chore.name for chore in chores), 0.0)
        self._asking = Asking(database, chores, interval / 2)

    async def run(self, stop: asyncio.Event) -> None:
        await asyncio.gather(*(self._run(stop, long=long) for long in (False, True)))

    async def _run(self, stop: asyncio.Event, *, long: bool) -> None:
        chores = [chore for chore in self._chores if chore.long is long]
        while not stop.is_set():
            found = await self._round(chores)
            if not (long and found):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await stop.wait()

    async def round(self) -> None:
        """Every chore whose time has come, once."""
        await self._round(self._chores)

    async def _round(self, chores: Sequence[Chore]) -> bool:
        due = [chore for chore in chores if time.monotonic() >= self._next[chore.name]]
        found = [await self._do(chore) for chore in await self._asking.those_with_work(due)]
        if any(found):
            await self._waker.wake()
        return any(found)

    async def _do(self, chore: Chore) -> bool:
        try:
            found = await chore.work(self._database)
        except Exception as error:  # nothing may end the loop, least of all what one tenant's data brings about
            away = isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
            log.error("chore_failed", chore=chore.name, reason=str(error) or type(error).__name__, exc_info=not away)
            return False
        self._next[chore.name] = time.monotonic() + (0 if chore.long and found else chore.every)
        return found
