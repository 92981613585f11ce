"""Reads and writes of stalls. The watchdog reaches over organizations, under the engine's role; the rest names one."""

from collections.abc import Sequence
from typing import Any

from drippulse.enrollments.claim import TENANTS
from drippulse.kit.db import Record, Session
from drippulse.kit.pagination import PageRequest, order_by

# As the index `enrollment_unscheduled` has it: true of no row that is well.
UNSCHEDULED = """e.status = 'active' AND e.claimable_at IS NULL AND e.holds = 0
  AND (e.wait_reason IS NULL OR e.next_run_at IS NOT NULL AND e.wait_reason <> 'outcome_unknown')"""
STANDS_STILL = f"""((e.deleted_at IS NULL OR e.sends_for IS NOT NULL)
  AND (e.status = 'active' AND e.claimable_at <= now() - {{limit}} OR {UNSCHEDULED}))"""

# Nothing healthy is found by either half: the claim index is entered at each organization's oldest due time.
FIND = f"""{TENANTS}, unclaimed AS (
  SELECT d.* FROM first_due t CROSS JOIN LATERAL (
    SELECT e.id, e.organization_id, e.workflow_id, e.step_id, 'unclaimed' AS kind, e.claimable_at AS since
    FROM enrollment e
    WHERE e.organization_id = t.organization_id AND e.status = 'active' AND e.claimable_at <= now() - $1::interval
      AND (e.deleted_at IS NULL OR e.sends_for IS NOT NULL)
      AND NOT EXISTS (SELECT FROM stall s WHERE s.organization_id = e.organization_id
        AND s.enrollment_id = e.id AND s.resolved_at IS NULL)
    ORDER BY e.claimable_at LIMIT $2) d
  WHERE t.due_at <= now() - $1::interval
), unscheduled AS (
  SELECT e.id, e.organization_id, e.workflow_id, e.step_id,
    CASE WHEN e.next_run_at IS NULL THEN 'forgotten' ELSE 'unclaimable' END AS kind, e.updated_at AS since
  FROM enrollment e
  WHERE {UNSCHEDULED} AND (e.deleted_at IS NULL OR e.sends_for IS NOT NULL) AND e.updated_at <= now() - $1::interval
    AND NOT EXISTS (SELECT FROM stall s WHERE s.organization_id = e.organization_id
      AND s.enrollment_id = e.id AND s.resolved_at IS NULL)
  LIMIT $2
), noted AS (
  INSERT INTO stall (organization_id, workflow_id, enrollment_id, step_id, kind, since)
  SELECT organization_id, workflow_id, id, step_id, kind, since
  FROM (SELECT * FROM unclaimed UNION ALL SELECT * FROM unscheduled) AS found LIMIT $2
  ON CONFLICT (organization_id, enrollment_id) WHERE resolved_at IS NULL DO NOTHING
  RETURNING id, organization_id, workflow_id, enrollment_id, step_id, kind, since
), logged AS (
  INSERT INTO event (organization_id, type, record_type, record_id, actor_type, data)
  SELECT organization_id, 'workflow.failed', 'workflow', workflow_id::text, 'system', jsonb_build_object(
    'alarm', 'stalled', 'stall_id', id, 'workflow_id', workflow_id, 'enrollment_id', enrollment_id,
    'step_id', step_id, 'kind', kind, 'since', to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM noted)
SELECT * FROM noted ORDER BY id"""

RESOLVE = f"""UPDATE stall s SET resolved_at = now(), resolution = 'moved_on' FROM enrollment e
WHERE s.resolved_at IS NULL AND e.organization_id = s.organization_id AND e.id = s.enrollment_id
  AND {STANDS_STILL.format(limit="$1::interval")} IS NOT TRUE"""

OPEN = "SELECT count(*) FROM stall WHERE resolved_at IS NULL"

COLUMNS = """s.id, s.workflow_id, s.enrollment_id, s.step_id, s.kind, s.since, s.created_at, s.resolved_at,
s.resolution"""
SORTS = {"created_at": "s.id", "since": "s.since", "resolved_at": "s.resolved_at"}

CHOSEN = """SELECT s.id, s.enrollment_id, s.resolved_at FROM stall s
WHERE s.organization_id = $1 AND s.id = ANY ($2::bigint[])"""
ALL_OPEN = """SELECT s.id, s.enrollment_id, s.resolved_at FROM stall s
WHERE s.organization_id = $1 AND s.resolved_at IS NULL ORDER BY s.id LIMIT $2"""

# Never earlier than due: a run that has a time of its own gets it back.
REISSUE = f"""WITH ours AS MATERIALIZED (
  SELECT e.id FROM enrollment e WHERE e.organization_id = $1 AND e.id = ANY ($2::bigint[])
    AND {STANDS_STILL.format(limit="interval '0'")} ORDER BY e.id FOR NO KEY UPDATE)
UPDATE enrollment e SET next_run_at = coalesce(e.next_run_at, now()),
  claimable_at = greatest(e.next_run_at, now()), fence = e.fence + 1, updated_at = now()
FROM ours WHERE e.organization_id = $1 AND e.id = ours.id RETURNING e.id"""

CLOSE = f"""UPDATE stall s SET resolved_at = now(),
  resolution = CASE WHEN s.enrollment_id = ANY ($3::bigint[]) THEN 'repaired' ELSE 'moved_on' END
WHERE s.organization_id = $1 AND s.id = ANY ($2::bigint[]) AND s.resolved_at IS NULL RETURNING {COLUMNS}"""


async def page(session: Session, organization_id: int, status: str | None, request: PageRequest) -> list[Record]:
    where, args = _where(organization_id, status)
    if request.before_id is not None:
        args.append(request.before_id)
        where += f" AND s.id < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, SORTS, "s.id")
    sql = f"SELECT {COLUMNS} FROM stall s{where} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    return await session.fetch(sql, *args)


async def count(session: Session, organization_id: int, status: str | None) -> int:
    where, args = _where(organization_id, status)
    return int(await session.fetchval(f"SELECT count(*) FROM stall s{where}", *args))


def _where(organization_id: int, status: str | None) -> tuple[str, list[Any]]:
    kinds = {"open": " AND s.resolved_at IS NULL", "resolved": " AND s.resolved_at IS NOT NULL"}
    return f" WHERE s.organization_id = $1{kinds.get(status or '', '')}", [organization_id]


async def chosen(session: Session, organization_id: int, ids: Sequence[int]) -> list[Record]:
    """Those of these stalls that exist: id, enrollment_id, resolved_at."""
    return await session.fetch(CHOSEN, organization_id, list(ids))


async def all_open(session: Session, organization_id: int, most: int) -> list[Record]:
    """The same of open ones, the oldest first."""
    return await session.fetch(ALL_OPEN, organization_id, most)


async def reissue(session: Session, organization_id: int, enrollment_ids: Sequence[int]) -> list[int]:
    """Give these back to the engine, as far as they still stand still; the ids of those."""
    rows = await session.fetch(REISSUE, organization_id, list(enrollment_ids))
    return [row["id"] for row in rows]


async def close(
    session: Session, organization_id: int, ids: Sequence[int], repaired_enrollments: Sequence[int]
) -> list[Record]:
    return await session.fetch(CLOSE, organization_id, list(ids), list(repaired_enrollments))
