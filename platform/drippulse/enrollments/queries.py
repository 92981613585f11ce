"""Reads and writes of enrollments. Every statement names the organization; row-level security is the second net."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drippulse.enrollments.expressions import (
    HOLDS,
    LEASED_UNTIL,
    MATCHES,
    TIMELINE,
    TIMELINE_NEWEST_FIRST,
    WAIT_REASON,
)
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Filter
from drippulse.kit.filters import where as conditions_sql
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import PageRequest, order_by
from drippulse.workflows.queries import like

COLUMNS = f"""e.id, e.workflow_id, e.workflow_version, e.agent_id, e.lead_ref, e.email, e.first_name, e.last_name,
e.bag ->> 'name' AS given_name, e.timezone, e.status, e.current_step_index, e.step_id, e.attempt, e.next_run_at,
e.claimable_at, {HOLDS} AS holds, e.wait_reason, e.last_error, e.created_at, e.updated_at, e.finished_at,
now() AS now"""

LEASE_HORIZON = "10 minutes"

LIVE = "e.organization_id = $1 AND e.workflow_id = $2 AND e.deleted_at IS NULL"

DETAIL = f"""SELECT {COLUMNS}, e.bag, e.visit, e.visits, e.step_entered_at, e.intent_at, e.fence,
  {LEASED_UNTIL} AS leased_until
FROM enrollment e WHERE {LIVE} AND e.id = $3"""

# What stands where comes from the counters that the table's triggers keep. What is due or running now is read from the
# claim index: idle rows that are due, and leased ones, whose lease ends within `LEASE_HORIZON`. The workflow is asked
# for only then, so that PostgreSQL does not rather read all that wait in it. Where all is paused nothing runs, though
# the pause may not have got to every run yet.
COUNTS = f"""WITH running AS MATERIALIZED (
  SELECT e.workflow_id, e.workflow_version, e.current_step_index FROM enrollment e
  WHERE e.organization_id = $1 AND e.deleted_at IS NULL
    AND e.status = 'active' AND e.next_run_at <= now() AND e.claimable_at <= now() + interval '{LEASE_HORIZON}'),
due AS (
  SELECT workflow_id, workflow_version, current_step_index, count(*) AS enrollments FROM running
  WHERE workflow_id = ANY($2::bigint[]) GROUP BY 1, 2, 3),
counted AS (
  SELECT c.workflow_id, c.workflow_version, c.status, c.step_index, sum(c.enrollments)::bigint AS enrollments
  FROM enrollment_count c WHERE c.organization_id = $1 AND c.workflow_id = ANY($2::bigint[])
  GROUP BY 1, 2, 3, 4 HAVING sum(c.enrollments) <> 0)
SELECT c.workflow_id, c.workflow_version, c.status, c.step_index AS current_step_index, c.enrollments,
  c.enrollments - CASE WHEN c.status = 'active' AND w.status <> 'paused' AND o.paused_at IS NULL
    THEN coalesce(due.enrollments, 0) ELSE 0 END AS waiting,
  v.steps -> c.step_index ->> 'id' AS step_id, v.steps -> c.step_index ->> 'name' AS name,
  v.steps -> c.step_index ->> 'type' AS type
FROM counted c JOIN workflow w ON w.organization_id = $1 AND w.id = c.workflow_id
  JOIN organization o ON o.id = w.organization_id
  LEFT JOIN due ON due.workflow_id = c.workflow_id AND due.workflow_version = c.workflow_version
    AND due.current_step_index = c.step_index
  LEFT JOIN workflow_version v ON v.organization_id = $1 AND v.workflow_id = c.workflow_id
    AND v.version = c.workflow_version AND c.workflow_version <> w.version AND c.status = 'active'"""

OUTLINES = """SELECT version, steps FROM workflow_version
WHERE organization_id = $1 AND workflow_id = $2 AND version = ANY($3::integer[])"""

NEWEST_ENTRIES = f"""SELECT id, visit, step_index, step_id, name, type, status, attempt, started_at, finished_at,
input, output, error
FROM {TIMELINE} WHERE s.organization_id = $1 AND s.enrollment_id = $2 ORDER BY {TIMELINE_NEWEST_FIRST} LIMIT 2000"""

DELIVERIES = """SELECT id, visit, step_index, step_id, recipient, subject, message_id, status, attempts, response,
created_at, updated_at, sent_at, feedback, feedback_at
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
FILTERED = {
    "status": "e.status",
    "step_index": "e.current_step_index",
    "step_id": "e.step_id",
    "lead_ref": "e.lead_ref",
    "email": "e.email",
    "workflow_version": "e.workflow_version",
    "next_run_at": "e.next_run_at",
    "created_at": "e.created_at",
    "updated_at": "e.updated_at",
}
"""The columns that a list may be filtered by."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which enrollments of a workflow to answer; None does not filter."""

    status: str | None = None
    step_index: int | None = None
    lead_ref: str | None = None
    q: str | None = None
    ids: Sequence[int] | None = None
    step_id: str | None = None
    wait_reason: str | None = None
    error_code: str | None = None
    version: int | None = None
    conditions: tuple[Filter, ...] = ()

    @property
    def any(self) -> bool:
        texts = (self.status, self.lead_ref, self.q, self.step_id, self.wait_reason, self.error_code)
        others = (self.step_index, self.version, self.ids)
        return bool(self.conditions) or any(texts) or any(value is not None for value in others)


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
    where = LIVE + conditions_sql(filters.conditions, FILTERED, args)
    for column, value in (
        ("e.status", filters.status),
        ("e.current_step_index", filters.step_index),
        ("e.lead_ref", filters.lead_ref),
        ("e.step_id", filters.step_id),
        (f"({WAIT_REASON})", filters.wait_reason),
        ("e.last_error ->> 'code'", filters.error_code),
        ("e.workflow_version", filters.version),
    ):
        if value is not None:
            args.append(value)
            where += f" AND {column} = ${len(args)}"
    if filters.ids is not None:
        args.append([one for one in filters.ids if is_id(one)])
        where += f" AND e.id = ANY (${len(args)}::bigint[])"
    if filters.q:
        args.append(like(filters.q))
        where += f" AND {MATCHES.replace('{}', f'${len(args)}')}"
    return where, args


async def matching_ids(
    session: Session, organization_id: int, workflow_id: int, filters: Filters, after: int, limit: int
) -> list[int]:
    """Ids over `after` that the filters let through, ascending."""
    where, args = _where(organization_id, workflow_id, filters)
    sql = (
        f"SELECT e.id FROM enrollment e WHERE {where} AND e.id > ${len(args) + 1} ORDER BY e.id LIMIT ${len(args) + 2}"
    )
    return [row["id"] for row in await session.fetch(sql, *args, after, limit)]


async def counts(session: Session, organization_id: int, *workflow_ids: int) -> list[Record]:
    """How many enrollments stand where: workflow_id, workflow_version, status, current_step_index, enrollments,
    waiting.

    Active ones on another version than the newest also have step_id, name and type of their step there.
    """
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
