"""The event dispatcher of a worker process: runs when it is woken, and never else."""

import asyncio
from collections.abc import Callable, Set

import asyncpg
import structlog

from drippulse.events.dispatcher import dispatch
from drippulse.kit.db import Database
from drippulse.settings import Settings
from drippulse_workers.starting import opened

PAUSE_AFTER_FAILURE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class DispatchLoop:
    """`poke` says that events may have come; `on_work` is called when runs may be due because of them, `on_news` with
    the organizations whose log has grown by what it did."""

    def __init__(
        self, settings: Settings, on_work: Callable[[], None], on_news: Callable[[Set[int]], None] | None = None
    ) -> None:
        self._database = Database(settings.model_copy(update={"database_pool_size": 1}))
        self._database.on_news = on_news
        self._on_work = on_work
        self._poked = asyncio.Event()
        self._poked.set()  # what came while no worker ran

    def poke(self) -> None:
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for, and the events with it."""
        await opened(self._database, asyncio.Event())
        try:
            while True:
                await self._poked.wait()
                self._poked.clear()
                await self._round()
        finally:
            await self._database.close()

    async def _round(self) -> None:
        try:
            await dispatch(self._database, self._on_work, patience=float("inf"))
        except Exception as error:  # nothing may end the loop; the events stay and are read again
            log.error("dispatch_failed", reason=str(error) or type(error).__name__, exc_info=not _is_away(error))
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)
            self.poke()


def _is_away(error: Exception) -> bool:
    """Whether the database is not there, which needs no stack trace."""
    return isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError)
