"""The sweeper: the safety net under wake-ups and timers."""

from drippulse.enrollments.claim import TENANTS
from drippulse.kit.db import Database, Role

SWEEP = f"""{TENANTS}, beat AS (
INSERT INTO heartbeat (name, beat_at, healthy) VALUES ('sweeper', now(), true)
ON CONFLICT (name) DO UPDATE SET beat_at = now(), healthy = true
)
SELECT EXISTS (SELECT 1 FROM first_due WHERE due_at <= now())
"""


async def sweep(database: Database) -> bool:
    """Beat once, and say whether any enrollment is due or lost its worker."""
    async with database.session(Role.ENGINE) as session:
        return bool(await session.fetchval(SWEEP))


async def ensure_partitions(database: Database, months_ahead: int = 3) -> int:
    """Make the coming months' partitions of the history tables; how many were missing."""
    async with database.session(Role.ENGINE) as session:
        return int(await session.fetchval("SELECT drippulse_ensure_partitions($1)", months_ahead))
