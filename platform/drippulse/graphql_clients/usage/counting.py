"""Counting what clients ask for: in memory, and added to the table in portions by whoever counted.

A crash loses the counts of the last few seconds and nothing else. Nothing runs while nothing is counted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import asyncpg
import structlog

from drippulse.kit.clock import Clock
from drippulse.kit.db import Database, Role

FLUSH_SECONDS = 5.0
PORTION = 1000
MAX_ROWS = 1000
"""Rows of an organization on one day, in the table and in memory; what comes beyond is counted under `MORE`."""
MAX_ORGANIZATIONS = 10_000
MAX_LENGTH = 100
MORE = "(more)"

# What was there keeps its row; of what is new the most frequent gets one as long as there is room. Rows are written in
# one order, so that two processes cannot wait for each other in a circle.
ADD = """WITH used AS (
  SELECT organization_id, day, client, version, operation, field, sum(requests)::bigint AS requests
  FROM unnest($1::bigint[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    AS u (organization_id, day, client, version, operation, field, requests) GROUP BY 1, 2, 3, 4, 5, 6
), counted AS (
  SELECT u.organization_id, u.day, (SELECT count(*) FROM graphql_usage g
    WHERE g.organization_id = u.organization_id AND g.day = u.day) AS rows
  FROM (SELECT DISTINCT organization_id, day FROM used) u
), placed AS (
  SELECT u.*, g.requests IS NOT NULL OR c.rows + row_number() OVER (
    PARTITION BY u.organization_id, u.day, g.requests IS NULL ORDER BY u.requests DESC) <= $8 AS kept
  FROM used u JOIN counted c USING (organization_id, day)
  LEFT JOIN graphql_usage g USING (organization_id, day, client, version, operation, field)
)
INSERT INTO graphql_usage AS g (organization_id, day, client, version, operation, field, requests)
SELECT organization_id, day, CASE WHEN kept THEN client ELSE $9 END, CASE WHEN kept THEN version ELSE '' END,
  CASE WHEN kept THEN operation ELSE $9 END, field, sum(requests)::bigint
FROM placed GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (organization_id, day, client, version, operation, field)
  DO UPDATE SET requests = g.requests + excluded.requests"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """What is counted of a document: its operation, and the deprecated coordinates in it."""

    operation: str
    deprecated: tuple[str, ...] = ()


Key: TypeAlias = tuple[date, str, str, Use]
"""Day, client, version, what of its documents is counted."""


class GraphqlUsage:
    """The counts of one process. `close` it while the database is still open."""

    def __init__(self, database: Database, clock: Clock, seconds: float = FLUSH_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._seconds = seconds
        self._counts: dict[int, dict[Key, int]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._adding = asyncio.Lock()

    def __len__(self) -> int:
        """Rows that wait to be added."""
        return sum(len(own) for own in self._counts.values())

    def count(self, organization_id: int, client: str, version: str, use: Use) -> None:
        """One request. Names are cut to a hundred characters; what is no printable text counts as no name."""
        day = self._clock().date()
        self._hold(organization_id, (day, _name(client), _name(version), use), 1)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().create_task(self._later())

    async def flush(self) -> None:
        """Add everything counted so far; what cannot be added now is kept for the next time."""
        async with self._adding:
            await self._flush()

    async def _flush(self) -> None:
        counts, self._counts = self._counts, {}
        rows = [(organization, key, number) for organization, own in counts.items() for key, number in own.items()]
        for begin in range(0, len(rows), PORTION):
            try:
                await self._add(rows[begin : begin + PORTION])
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                for row in rows[begin:]:
                    self._hold(*row)
                log.warning("graphql_usage_not_added", reason=str(error) or type(error).__name__)
                return

    async def close(self) -> None:
        """Add the rest."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            await asyncio.wait([timer])
        await self.flush()

    def _hold(self, organization_id: int, key: Key, number: int) -> None:
        own = self._counts.get(organization_id)
        if own is None:
            if len(self._counts) >= MAX_ORGANIZATIONS:
                return
            own = self._counts[organization_id] = {}
        if key not in own and len(own) >= MAX_ROWS:
            key = (key[0], MORE, "", Use(MORE, key[3].deprecated))
        own[key] = own.get(key, 0) + number

    async def _later(self) -> None:
        await asyncio.sleep(self._seconds)
        self._timer = None
        await self.flush()

    async def _add(self, portion: Sequence[tuple[int, Key, int]]) -> None:
        rows = [
            (organization, day, client, version, use.operation, field, number)
            for organization, (day, client, version, use), number in portion
            for field in ("", *use.deprecated)
        ]
        columns = [[row[place] for row in rows] for place in range(7)]
        async with self._database.session(Role.AUTH) as session:
            await session.execute(ADD, *columns, MAX_ROWS, MORE)


def _name(text: str) -> str:
    return text[:MAX_LENGTH] if text.isprintable() else ""
