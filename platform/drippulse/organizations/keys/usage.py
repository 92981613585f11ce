"""Counting what keys do: in memory, and added to the table in portions by whoever counted.

A crash loses the counts of the last few seconds and nothing else. Nothing runs while nothing is counted.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import TypeAlias

import asyncpg
import structlog

from drippulse.kit.db import Database, Role

FLUSH_SECONDS = 5.0
PORTION = 1000
REMEMBERED = 100_000
"""Different keys and days held while the database is away; what comes beyond is not counted."""

Place: TypeAlias = tuple[int, int, date]

# Two processes may add to the same rows; those of the usage in one order, so that they cannot wait in a circle there.
ADD = """WITH used AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::bigint[], $5::timestamptz[])
    AS u (organization_id, key_id, day, requests, at)
), added AS (
  INSERT INTO api_key_usage AS a (organization_id, key_id, day, requests)
  SELECT organization_id, key_id, day, requests FROM used ORDER BY 1, 2, 3
  ON CONFLICT (organization_id, key_id, day) DO UPDATE SET requests = a.requests + excluded.requests
)
UPDATE api_key k SET last_used_at = greatest(k.last_used_at, u.at)
FROM (SELECT organization_id, key_id, max(at) AS at FROM used GROUP BY 1, 2) u
WHERE k.organization_id = u.organization_id AND k.id = u.key_id"""

log = structlog.get_logger(__name__)


class KeyUsage:
    """The counts of one process."""

    def __init__(self, database: Database, seconds: float = FLUSH_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._counts: dict[Place, tuple[int, datetime]] = {}
        self._timer: asyncio.Task[None] | None = None

    def count(self, organization_id: int, key_id: int, at: datetime) -> None:
        """One request of a key."""
        place = (organization_id, key_id, at.astimezone(UTC).date())
        self._hold(place, 1, at)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().create_task(self._later())

    async def flush(self) -> None:
        """Add everything counted so far; what cannot be added now is kept for the next time."""
        while portion := list(islice(self._counts.items(), PORTION)):
            for place, _ in portion:
                del self._counts[place]
            try:
                await self._add(portion)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                for place, (requests, at) in portion:
                    self._hold(place, requests, at)
                log.warning("key_usage_not_added", reason=str(error) or type(error).__name__)
                return

    async def close(self) -> None:
        """Add the rest; the database must still be open."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            await asyncio.wait([timer])
        await self.flush()

    def _hold(self, place: Place, requests: int, at: datetime) -> None:
        before = self._counts.get(place)
        if before is not None:
            self._counts[place] = (before[0] + requests, max(before[1], at))
        elif len(self._counts) < REMEMBERED:
            self._counts[place] = (requests, at)

    async def _later(self) -> None:
        await asyncio.sleep(self._seconds)
        self._timer = None
        await self.flush()

    async def _add(self, portion: Sequence[tuple[Place, tuple[int, datetime]]]) -> None:
        places = [place for place, _ in portion]
        async with self._database.session(Role.AUTH) as session:
            await session.execute(
                ADD,
                [organization_id for organization_id, _, _ in places],
                [key_id for _, key_id, _ in places],
                [day for _, _, day in places],
                [requests for _, (requests, _) in portion],
                [at for _, (_, at) in portion],
            )
