"""Reads and writes of enrollments. Every statement names the organization; row-level security is the second net."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drippulse.enrollments.contacts import Rows
from drippulse.enrollments.expressions import LEASED_UNTIL, MATCHES, TIMELINE, TIMELINE_NEWEST_FIRST
from drippulse.kit.db import Record, Session
from drippulse.kit.pagination import PageRequest, order_by
from drippulse.workflows.queries import like

# unnest keeps the order of its arrays, INSERT ... SELECT that of its input, and ids come from the sequence row by row.
INSERT = """WITH made AS (
  INSERT INTO enrollment (organization_id, workflow_id, workflow_version, step_id,
    lead_ref, email, first_name, last_name, timezone, bag, claimable_at, wait_reason)
  SELECT $1, $2, $3, $4, lead_ref, email, first_name, last_name, timezone, bag,
    CASE WHEN $13::text IS NULL THEN now() END, $13
  FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[])
    WITH ORDINALITY AS contact (lead_ref, email, first_name, last_name, timezone, bag, place) ORDER BY place
  RETURNING id, lead_ref),
logged AS (
  INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data)
  SELECT $1, 'enrollment.created', 'enrollment', id::text, $11, $12,
    jsonb_build_object('workflow_id', $2::bigint, 'workflow_version', $3::integer, 'lead_ref', lead_ref) FROM made)
SELECT id FROM made ORDER BY id"""

COLUMNS = """e.id, e.workflow_id, e.workflow_version, e.agent_id, e.lead_ref, e.email, e.first_name, e.last_name,
e.bag ->> 'name' AS given_name, e.timezone, e.status, e.current_step_index, e.step_id, e.attempt, e.next_run_at,
e.wait_reason, e.last_error, e.created_at, e.updated_at, e.finished_at, now() AS now"""

LEASE_HORIZON = "10 minutes"

LIVE = "e.organization_id = $1 AND e.workflow_id = $2 AND e.deleted_at IS NULL"

DETAIL = f"""SELECT {COLUMNS}, e.bag, e.visit, e.visits, e.step_entered_at, e.intent_at, e.fence,
  {LEASED_UNTIL} AS leased_until
FROM enrollment e WHERE {LIVE} AND e.id = $3"""

# What stands where comes from the counters that the table's triggers keep. What is due or running now is read from the
# claim index: idle rows that are due, and leased ones, whose lease ends within `LEASE_HORIZON`.
COUNTS = f"""WITH due AS (
  SELECT e.workflow_id, e.current_step_index, count(*) AS enrollments FROM enrollment e
  WHERE e.organization_id = $1 AND e.workflow_id = ANY($2::bigint[]) AND e.deleted_at IS NULL
    AND e.status = 'active' AND e.next_run_at <= now() AND e.claimable_at <= now() + interval '{LEASE_HORIZON}'
  GROUP BY 1, 2)
SELECT c.workflow_id, c.status, c.step_index AS current_step_index, sum(c.enrollments)::bigint AS enrollments,
  (sum(c.enrollments) - coalesce(min(due.enrollments) FILTER (WHERE c.status = 'active'), 0))::bigint AS waiting
FROM enrollment_count c LEFT JOIN due ON due.workflow_id = c.workflow_id AND due.current_step_index = c.step_index
WHERE c.organization_id = $1 AND c.workflow_id = ANY($2::bigint[])
GROUP BY 1, 2, 3 HAVING sum(c.enrollments) <> 0"""

OUTLINES = """SELECT version, steps FROM workflow_version
WHERE organization_id = $1 AND workflow_id = $2 AND version = ANY($3::integer[])"""

NEWEST_ENTRIES = f"""SELECT id, visit, step_index, step_id, name, type, status, attempt, started_at, finished_at,
input, output, error
FROM {TIMELINE} WHERE s.organization_id = $1 AND s.enrollment_id = $2 ORDER BY {TIMELINE_NEWEST_FIRST} LIMIT 2000"""

DELIVERIES = """SELECT id, visit, step_index, step_id, recipient, subject, message_id, status, attempts, response,
created_at, updated_at, sent_at
FROM delivery WHERE organization_id = $1 AND enrollment_id = $2 ORDER BY id LIMIT 2000"""

NURTURE_EVENTS = """SELECT id, delivery_id, type, at, url, human FROM nurture_event
WHERE organization_id = $1 AND enrollment_id = $2 ORDER BY id LIMIT 2000"""

SORTS = {
    "created_at": "e.id",
    "updated_at": "e.updated_at",
    "next_run_at": "e.next_run_at",
    "status": "e.status",
    "step_index": "e.current_step_index",
    "email": "e.email",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which enrollments of a workflow to answer; None does not filter."""

    status: str | None = None
    step_index: int | None = None
    lead_ref: str | None = None
    q: str | None = None

    @property
    def any(self) -> bool:
        return bool(self.status or self.lead_ref or self.q) or self.step_index is not None


async def insert(
    session: Session,
    organization_id: int,
    workflow_id: int,
    version: int,
    first_step_id: str,
    rows: Rows,
    actor: tuple[str, int],
    held: str | None,
) -> list[int]:
    """All rows and their `enrollment.created` events in one statement; ids in the order of the rows.

    `held` is the wait reason of rows that the engine must not take yet.
    """
    made = await session.fetch(
        INSERT,
        organization_id,
        workflow_id,
        version,
        first_step_id,
        rows.lead_refs,
        rows.emails,
        rows.first_names,
        rows.last_names,
        rows.timezones,
        rows.bags,
        *actor,
        held,
    )
    return [row["id"] for row in made]


async def page(
    session: Session, organization_id: int, workflow_id: int, filters: Filters, request: PageRequest
) -> list[Record]:
    where, args = _where(organization_id, workflow_id, filters)
    if request.before_id is not None:
        args.append(request.before_id)
        where += f" AND e.id < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, SORTS, "e.id")
    sql = (
        f"SELECT {COLUMNS} FROM enrollment e WHERE {where} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    )
    return await session.fetch(sql, *args)


async def count(session: Session, organization_id: int, workflow_id: int, filters: Filters) -> int:
    where, args = _where(organization_id, workflow_id, filters)
    return int(await session.fetchval(f"SELECT count(*) FROM enrollment e WHERE {where}", *args))


def _where(organization_id: int, workflow_id: int, filters: Filters) -> tuple[str, list[Any]]:
    args: list[Any] = [organization_id, workflow_id]
    where = LIVE
    for column, value in (
        ("e.status", filters.status),
        ("e.current_step_index", filters.step_index),
        ("e.lead_ref", filters.lead_ref),
    ):
        if value is not None:
            args.append(value)
            where += f" AND {column} = ${len(args)}"
    if filters.q:
        args.append(like(filters.q))
        where += f" AND {MATCHES.replace('{}', f'${len(args)}')}"
    return where, args


async def counts(session: Session, organization_id: int, *workflow_ids: int) -> list[Record]:
    """How many enrollments stand where: workflow_id, status, current_step_index, enrollments, waiting."""
    return await session.fetch(COUNTS, organization_id, workflow_ids)


async def versions(session: Session, organization_id: int, workflow_id: int, numbers: Sequence[int]) -> dict[int, str]:
    """Version -> its steps as JSON text."""
    rows = await session.fetch(OUTLINES, organization_id, workflow_id, list(numbers))
    return {row["version"]: row["steps"] for row in rows}


async def detail(session: Session, organization_id: int, workflow_id: int, enrollment_id: int) -> Record | None:
    return await session.fetchrow(DETAIL, organization_id, workflow_id, enrollment_id)


async def timeline(session: Session, organization_id: int, enrollment_id: int) -> list[Record]:
    """Oldest first: its newest 2,000 entries, the last of them the step that an unfinished run is on."""
    return (await session.fetch(NEWEST_ENTRIES, organization_id, enrollment_id))[::-1]


async def deliveries(session: Session, organization_id: int, enrollment_id: int) -> list[Record]:
    return await session.fetch(DELIVERIES, organization_id, enrollment_id)


async def nurture_events(session: Session, organization_id: int, enrollment_id: int) -> list[Record]:
    return await session.fetch(NURTURE_EVENTS, organization_id, enrollment_id)
