"""Triggers that fire by time. What was missed while nobody ran fires once, not once for every miss."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import structlog

from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.errors import NoEnrollmentsCreatedError, WorkflowArchivedError
from drippulse.enrollments.starting import start_enrollments
from drippulse.events.service import SystemActor
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import DomainError, NotFoundError
from drippulse.workflows.cron import next_fire
from drippulse.workflows.wall_clock import zone

MOST_AT_ONCE = 100
TRY_AGAIN = timedelta(hours=1)

# Two schedulers at once: each takes what the other has not locked, and finds the time moved when it comes later.
DUE = """SELECT s.organization_id, s.workflow_id, s.step_id, s.cron, s.next_at, now() AS now,
  coalesce(s.timezone, o.timezone, 'UTC') AS timezone
FROM workflow_schedule s JOIN organization o ON o.id = s.organization_id
WHERE s.next_at IS NULL OR s.next_at <= now() ORDER BY s.next_at NULLS FIRST LIMIT $1 FOR UPDATE OF s SKIP LOCKED"""

NEXT = """UPDATE workflow_schedule SET next_at = $4
WHERE organization_id = $1 AND workflow_id = $2 AND step_id = $3"""

# A trigger that never fires again leaves its place in the list.
NEVER = "DELETE FROM workflow_schedule WHERE organization_id = $1 AND workflow_id = $2 AND step_id = $3"

STEP = """SELECT s.step -> 'config' AS config FROM workflow w JOIN workflow_version v
  ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version
CROSS JOIN LATERAL jsonb_array_elements(v.steps) AS s (step)
WHERE w.organization_id = $1 AND w.id = $2 AND s.step ->> 'id' = $3 AND w.status = 'active' AND w.deleted_at IS NULL"""

log = structlog.get_logger(__name__)


async def fire(database: Database) -> bool:
    """Fire what is due and reckon when it is due next, in one transaction; whether any run began."""
    started = False
    while True:
        async with database.session(Role.ENGINE) as session:
            due = await session.fetch(DUE, MOST_AT_ONCE)
            for row in due:
                started = await _fire_apart(session, row) or started
        if len(due) < MOST_AT_ONCE:
            return started


async def _fire_apart(session: Session, row: Record) -> bool:
    """Fire one; what is wrong with it is undone and logged, and holds up no other. It is tried again in an hour."""
    await session.execute("SAVEPOINT schedule")
    started = False
    try:
        started = await _fire_one(session, row)
    except (DomainError, ValueError, LookupError, TypeError, ArithmeticError, asyncpg.DataError) as error:
        await session.execute("ROLLBACK TO SAVEPOINT schedule")
        log.error("schedule_broken", workflow_id=row["workflow_id"], step_id=row["step_id"], reason=str(error))
        place = (row["organization_id"], row["workflow_id"], row["step_id"])
        await session.execute(NEXT, *place, row["now"] + TRY_AGAIN)
    await session.execute("RELEASE SAVEPOINT schedule")
    return started


async def _fire_one(session: Session, row: Record) -> bool:
    place = (row["organization_id"], row["workflow_id"], row["step_id"])
    started = await _start(session, row, row["next_at"]) if row["next_at"] is not None else False
    following = next_fire(row["cron"], row["now"], zone(row["timezone"]))
    if following is None:
        await session.execute(NEVER, *place)
    else:
        await session.execute(NEXT, *place, following)
    return started


async def _start(session: Session, row: Record, at: datetime) -> bool:
    organization_id, workflow_id, step_id = row["organization_id"], row["workflow_id"], row["step_id"]
    text = await session.fetchval(STEP, organization_id, workflow_id, step_id)
    if text is None:
        return False
    contacts = _contacts(orjson.loads(text), isoformat(at))
    origins = [f"cron:{step_id}:{isoformat(at)}:{index}" for index in range(len(contacts))]
    try:
        rows = read_batch({"contacts": contacts, "timezone": row["timezone"]}, may_hold_nul=True).rows
        actor = SystemActor(organization_id, "workflow")
        started = await start_enrollments(
            session, actor, workflow_id, rows, origins=[origins[index] for index in rows.indexes]
        )
    except (NotFoundError, WorkflowArchivedError, NoEnrollmentsCreatedError) as error:
        log.warning("schedule_not_started", workflow_id=workflow_id, reason=error.message)
        return False
    return bool(started.ids)


def _contacts(config: dict[str, Any], at: str) -> list[dict[str, Any]]:
    """Whom to enroll; nobody in particular is one run that has no contact."""
    audience: dict[str, Any] = config.get("audience") or {}
    contacts: list[dict[str, Any]] = audience.get("contacts") or [{}]
    return [{**contact, "schedule": {"at": at}} for contact in contacts]
