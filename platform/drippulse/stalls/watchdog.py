"""The watchdog's round: flag what stands still, once each, and close what moves again."""

from datetime import timedelta

import structlog

from drippulse.kit.clock import isoformat
from drippulse.kit.db import Database, Role
from drippulse.settings import Settings
from drippulse.stalls import metrics
from drippulse.stalls.queries import FIND, OPEN, RESOLVE

MARGIN = timedelta(seconds=60)
MOST_AT_ONCE = 500
"""Of all organizations, in one round: an outage must not turn into a flood of alarms."""

log = structlog.get_logger(__name__)


def patience(settings: Settings) -> timedelta:
    """How long a run may stand still: a lease runs out, the sweeper looks, and a minute more."""
    return timedelta(seconds=settings.lease_seconds + settings.sweep_seconds) + MARGIN


async def watch(database: Database, limit: timedelta) -> int:
    """One round; how many were flagged anew. Two at once flag nothing twice."""
    async with database.session(Role.ENGINE) as session:
        found = await session.fetch(FIND, limit, MOST_AT_ONCE)
        await session.execute(RESOLVE, limit)
        still = int(await session.fetchval(OPEN))
    metrics.STALLED.set(still)
    for row in found:
        log.error("enrollment_stalled", **{**row, "since": isoformat(row["since"])})
    return len(found)
