"""What the scheduler does for data sources."""

from typing import Any, Final

import orjson
import structlog

from drippulse.data_sources import queries, run_queries
from drippulse.data_sources.reading import ACTOR
from drippulse.data_sources.state import next_run
from drippulse.data_sources.tables import RunTrigger
from drippulse.events.service import SystemActor
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import DomainError

MOST_AT_ONCE: Final = 100
DATA_SOURCES_WAIT: Final = f"""EXISTS (SELECT FROM data_source s WHERE s.next_run_at <= now())
  OR EXISTS (SELECT FROM data_source_run r WHERE {run_queries.CLAIMABLE})"""

log = structlog.get_logger(__name__)


async def look_after_data_sources(database: Database) -> bool:
    """Queue the runs whose time has come, and say whether any run waits for a worker.

    What was missed while nobody looked is made up for once, and not while a run of the source is under way.
    """
    while True:
        async with database.session(Role.ENGINE) as session:
            due = await queries.due(session, MOST_AT_ONCE)
            for row in due:
                await _queue(session, row)
            if len(due) < MOST_AT_ONCE:
                return await run_queries.anything_to_do(session)


async def _queue(session: Session, row: Record) -> None:
    organization_id, source_id = row["organization_id"], row["id"]
    schedule: dict[str, Any] = {} if row["schedule"] is None else orjson.loads(row["schedule"])
    timezone = schedule.get("timezone") or row["timezone"]
    try:
        following = next_run(schedule.get("cron"), schedule.get("every_minutes"), timezone, row["now"])
    except (DomainError, ValueError) as error:
        log.error("data_source_schedule_broken", data_source_id=source_id, reason=str(error))
        following = None
    actor = SystemActor(organization_id, ACTOR, source_id)
    run_id = await run_queries.insert(session, organization_id, source_id, RunTrigger.SCHEDULE, row["cursor"], actor)
    if run_id is None:
        log.info("data_source_run_skipped", data_source_id=source_id)
    await queries.set_next_run(session, organization_id, source_id, following)
