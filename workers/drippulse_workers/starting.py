"""Starting while PostgreSQL is not there: it is waited for, as running processes wait for it."""

import asyncio
import contextlib

import asyncpg
import structlog

from drippulse.kit.db import Database

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
MISTAKES = (
    asyncpg.InvalidAuthorizationSpecificationError,  # a wrong password too
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
)

log = structlog.get_logger(__name__)


async def opened(database: Database, stop: asyncio.Event, first_pause: float = FIRST_PAUSE_SECONDS) -> bool:
    """Open the pool as soon as PostgreSQL lets us in; False when `stop` came first.

    Raises:
        asyncpg.PostgresError, asyncpg.InterfaceError: it refuses us for what waiting does not change.
    """
    pause = first_pause
    while not stop.is_set():
        try:
            if await _unless(stop, database):
                return True
        except MISTAKES:
            raise
        except AWAY as error:
            reason = str(error) or type(error).__name__
            log.warning("database_away", reason=reason, next_try_in_seconds=pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    return False


async def _unless(stop: asyncio.Event, database: Database) -> bool:
    """One attempt, given up when `stop` comes; connecting to a host that says nothing takes a minute."""
    opening, stopping = asyncio.create_task(database.open()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([opening, stopping], return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
        return opening.done()
    finally:
        opening.cancel()
        stopping.cancel()
