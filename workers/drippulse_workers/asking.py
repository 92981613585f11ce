"""Which chores have something to do: their conditions are asked for in one statement."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg
import structlog

from drippulse.kit.db import Database, Role
from drippulse_workers.chores import Chore

log = structlog.get_logger(__name__)


class Asking:
    """For all of a scheduler's loops together.

    Args:
        seconds: so long an answer is good, so that loops whose rounds come together ask once.
    """

    def __init__(self, database: Database, chores: Sequence[Chore], seconds: float) -> None:
        self._database = database
        self._conditions = {chore.name: chore.asks for chore in chores if chore.asks is not None}
        self._seconds = seconds
        self._asked = float("-inf")
        self._waiting: frozenset[str] = frozenset()
        self._lock = asyncio.Lock()

    async def those_with_work(self, due: Sequence[Chore]) -> list[Chore]:
        """Those of `due` that have no condition, or whose condition holds; while the database is away the former."""
        waiting = await self._ask() if any(chore.name in self._conditions for chore in due) else frozenset[str]()
        return [chore for chore in due if chore.name not in self._conditions or chore.name in waiting]

    async def _ask(self) -> frozenset[str]:
        async with self._lock:
            if time.monotonic() - self._asked >= self._seconds:
                self._waiting = await self._answers()
                self._asked = time.monotonic()
            return self._waiting

    async def _answers(self) -> frozenset[str]:
        columns = ", ".join(f'({condition}) AS "{name}"' for name, condition in self._conditions.items())
        try:
            async with self._database.session(Role.ENGINE) as session:
                (row,) = await session.fetch(f"SELECT {columns}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.error("chores_not_asked", reason=str(error) or type(error).__name__)
            return frozenset()
        return frozenset(name for name, holds in row.items() if holds)
