"""Reads and writes of drafts, versions and who is in flight on them. Every statement names the organization."""

from collections.abc import Sequence
from typing import Any

from drippulse.enrollments.expressions import LEASED_UNTIL, WAITING
from drippulse.kit.db import Record, Session
from drippulse.kit.pagination import PageRequest, order_by
from drippulse.workflows.publishing import move_queries

SORTS = {"created_at": "v.id"}
MOVE_SORTS = {"created_at": "m.id"}
IN_FLIGHT = (
    "e.organization_id = $1 AND e.workflow_id = $2 AND e.deleted_at IS NULL AND e.status IN ('active', 'paused')"
)

DRAFT = """SELECT draft, draft_revision AS revision, draft_updated_at, version AS live_version, status, now() AS now
FROM workflow WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"""

SAVE_DRAFT = """UPDATE workflow SET draft = $3, draft_revision = draft_revision + 1, draft_updated_at = now()
WHERE organization_id = $1 AND id = $2"""

PUBLISH = """UPDATE workflow SET version = $3, status = $4, draft = NULL, draft_revision = draft_revision + 1,
  draft_updated_at = NULL, updated_at = now() WHERE organization_id = $1 AND id = $2"""

STANDING = """SELECT workflow_version AS version, step_index, sum(enrollments)::bigint AS count FROM enrollment_count
WHERE organization_id = $1 AND workflow_id = $2 AND status IN ('active', 'paused')
GROUP BY 1, 2 HAVING sum(enrollments) <> 0"""

GROUPS = f"""SELECT e.workflow_version AS version, e.current_step_index AS step_index, e.step_id, count(*) AS count,
  count(*) FILTER (WHERE {WAITING}) AS waiting,
  count(*) FILTER (WHERE e.intent_at IS NOT NULL AND {LEASED_UNTIL} IS NOT NULL) AS in_call,
  count(*) FILTER (WHERE e.holds <> 0) AS held
FROM enrollment e WHERE {IN_FLIGHT} GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3"""

SAMPLE = f"""SELECT e.id, e.workflow_version AS version, e.step_id, e.timezone, e.visit, e.step_entered_at,
  e.next_run_at, CASE WHEN pg_column_size(e.bag) <= $5 THEN e.bag ELSE '{{}}' END AS bag, now() AS now,
  (SELECT o.timezone FROM organization o WHERE o.id = e.organization_id) AS organization_timezone
FROM enrollment e WHERE {IN_FLIGHT} AND e.id < $3 ORDER BY e.id DESC LIMIT $4"""

VERSIONS = """SELECT v.id, v.note, v.created_at, v.actor_type, v.actor_id, {columns},
  jsonb_array_length(v.steps) AS steps_count,
  v.version = w.version AS live, coalesce((SELECT sum(c.enrollments) FROM enrollment_count c
    WHERE c.organization_id = v.organization_id AND c.workflow_id = v.workflow_id
      AND c.workflow_version = v.version AND c.status IN ('active', 'paused')), 0)::bigint AS in_flight
FROM workflow_version v JOIN workflow w ON w.organization_id = v.organization_id AND w.id = v.workflow_id
WHERE v.organization_id = $1 AND v.workflow_id = $2"""


async def draft(session: Session, organization_id: int, workflow_id: int) -> Record | None:
    """The draft's JSON (null without one), its revision, and what is live; None when there is no such workflow."""
    return await session.fetchrow(DRAFT, organization_id, workflow_id)


async def save_draft(session: Session, organization_id: int, workflow_id: int, text: str | None) -> None:
    await session.execute(SAVE_DRAFT, organization_id, workflow_id, text)


async def publish(session: Session, organization_id: int, workflow_id: int, version: int, status: str) -> None:
    """Make a version the live one; the draft becomes it."""
    await session.execute(PUBLISH, organization_id, workflow_id, version, status)


async def standing(session: Session, organization_id: int, workflow_id: int) -> list[Record]:
    """(version, step_index, count) of what is in flight, from the counters."""
    return await session.fetch(STANDING, organization_id, workflow_id)


async def groups(session: Session, organization_id: int, workflow_id: int) -> list[Record]:
    return await session.fetch(GROUPS, organization_id, workflow_id)


async def sample(
    session: Session, organization_id: int, workflow_id: int, before_id: int, limit: int, largest_bag: int
) -> list[Record]:
    """The newest runs in flight below an id; a bag over `largest_bag` bytes comes as an empty one."""
    return await session.fetch(SAMPLE, organization_id, workflow_id, before_id, limit, largest_bag)


async def versions_page(
    session: Session, organization_id: int, workflow_id: int, request: PageRequest
) -> tuple[list[Record], int]:
    """A page of versions, newest first, and how many there are."""
    rows = await _page(
        session, VERSIONS.format(columns="v.version"), "v.id", SORTS, (organization_id, workflow_id), request
    )
    total = "SELECT count(*) FROM workflow_version WHERE organization_id = $1 AND workflow_id = $2"
    return rows, int(await session.fetchval(total, organization_id, workflow_id))


async def version(session: Session, organization_id: int, workflow_id: int, number: int) -> Record | None:
    sql = VERSIONS.format(columns="v.version, v.steps, v.settings")
    return await session.fetchrow(f"{sql} AND v.version = $3", organization_id, workflow_id, number)


async def step_texts(
    session: Session, organization_id: int, workflow_id: int, numbers: Sequence[int]
) -> dict[int, str]:
    """Version -> its steps as JSON text."""
    rows = await session.fetch(
        "SELECT version, steps FROM workflow_version WHERE organization_id = $1 AND workflow_id = $2 "
        "AND version = ANY($3::integer[])",
        organization_id,
        workflow_id,
        list(numbers),
    )
    return {row["version"]: row["steps"] for row in rows}


async def moves_page(
    session: Session, organization_id: int, workflow_id: int, request: PageRequest
) -> tuple[list[Record], int]:
    rows = await _page(session, move_queries.PAGE, "m.id", MOVE_SORTS, (organization_id, workflow_id), request)
    total = "SELECT count(*) FROM version_move WHERE organization_id = $1 AND workflow_id = $2"
    return rows, int(await session.fetchval(total, organization_id, workflow_id))


async def move_to(session: Session, organization_id: int, workflow_id: int, number: int) -> Record | None:
    return await session.fetchrow(f"{move_queries.PAGE} AND m.version = $3", organization_id, workflow_id, number)


async def _page(
    session: Session, sql: str, key: str, sorts: dict[str, str], scope: tuple[int, int], request: PageRequest
) -> list[Record]:
    args: list[Any] = [*scope]
    if request.before_id is not None:
        args.append(request.before_id)
        sql += f" AND {key} < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, sorts, key)
    return await session.fetch(f"{sql} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}", *args)
