"""Reads and writes of approvals. Every statement names the organization; row-level security is the second net."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.filters import Filter, Kind, Operator, where
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import ListRequest, order_by

LIVE = "(e.status IN ('active', 'paused') AND e.deleted_at IS NULL AND e.visit = a.visit)"
STATUS = f"(CASE WHEN a.status = 'open' AND NOT {LIVE} THEN 'cancelled' ELSE a.status END)"
FROM = """FROM approval a
JOIN enrollment e ON e.organization_id = a.organization_id AND e.id = a.enrollment_id WHERE a.organization_id = $1"""

# While the run waits, its own clock says when: pausing may have stopped it.
COLUMNS = f"""a.id, a.workflow_id, a.enrollment_id, a.visit, a.step_id, a.role, a.message, {STATUS} AS status,
a.requested_by_type, a.requested_by_id, CASE WHEN a.status = 'open' THEN greatest(a.due_at,
  CASE WHEN a.due_at IS NOT NULL THEN e.next_run_at END) ELSE a.due_at END AS due_at,
a.decided_by_type, a.decided_by_id, a.decided_at, a.note, a.output, a.created_at,
e.email, e.first_name, e.last_name, e.lead_ref, e.holds <> 0 OR e.status = 'paused' AS held"""

SORTS = {"created_at": "a.id", "due_at": "a.due_at", "decided_at": "a.decided_at"}
FILTERED = {
    "status": STATUS,
    "workflow_id": "a.workflow_id",
    "enrollment_id": "a.enrollment_id",
    "role": "a.role",
    "due_at": "a.due_at",
    "decided_at": "a.decided_at",
    "created_at": "a.created_at",
}
"""The columns that a list may be filtered by."""
ONLY_OPEN = Filter("status", Kind.TEXT, Operator.EQ, ("open",))

OF_VISIT = """SELECT a.id, a.status, a.due_at, a.decided_by_type, a.decided_by_id, a.decided_at, a.note, a.output
FROM approval a WHERE a.organization_id = $1 AND a.enrollment_id = $2 AND a.visit = $3 FOR NO KEY UPDATE"""

# Who enrolled the contact. A run that was started by a step of another one goes back to who enrolled that one.
REQUESTER = """WITH RECURSIVE chain AS (
  SELECT e.id, e.origin, 1 AS depth FROM enrollment e WHERE e.organization_id = $1 AND e.id = $2
  UNION ALL
  SELECT p.id, p.origin, c.depth + 1 FROM chain c JOIN enrollment p ON p.organization_id = $1
    AND p.id = CASE WHEN c.origin LIKE 'enroll:%' THEN split_part(c.origin, ':', 2)::bigint END
  WHERE c.depth < 20)
SELECT v.actor_type, v.actor_id FROM chain c JOIN event v ON v.organization_id = $1
  AND v.type = 'enrollment.created' AND v.record_id = c.id::text ORDER BY c.depth DESC LIMIT 1"""

OPEN = """INSERT INTO approval AS a (organization_id, workflow_id, enrollment_id, visit, step_id, role, message, due_at,
  requested_by_type, requested_by_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (organization_id, enrollment_id, visit) DO UPDATE SET status = 'open', due_at = excluded.due_at,
  message = excluded.message, role = excluded.role, created_at = now()
RETURNING a.id"""

DUE = "UPDATE approval SET due_at = $3 WHERE organization_id = $1 AND id = $2 AND due_at IS DISTINCT FROM $3"

EXPIRE = "UPDATE approval SET status = 'expired' WHERE organization_id = $1 AND id = $2 AND status = 'open'"

LOCK_ENROLLMENT = "SELECT e.id FROM enrollment e WHERE e.organization_id = $1 AND e.id = $2 FOR NO KEY UPDATE"

# A held run's clock stands or is settled on resume, so nothing is late while it is held.
DECIDE = f"""UPDATE approval a SET status = $3, decided_by_type = $4, decided_by_id = $5, decided_at = now(), note = $6,
  output = $7
FROM enrollment e WHERE a.organization_id = $1 AND a.id = $2 AND a.status = 'open'
  AND e.organization_id = a.organization_id AND e.id = a.enrollment_id AND {LIVE}
  AND (a.due_at IS NULL OR e.holds <> 0 OR e.status = 'paused' OR greatest(a.due_at, e.next_run_at) > now())
RETURNING a.id"""

SIGNAL = """UPDATE enrollment e SET signal = coalesce(e.signal, '{}') || $4, next_run_at = now(),
  claimable_at = CASE WHEN e.holds = 0 AND e.status = 'active' THEN now() END, fence = e.fence + 1, updated_at = now()
WHERE e.organization_id = $1 AND e.id = $2 AND e.visit = $3 AND e.status IN ('active', 'paused')"""

TIDY = f"""UPDATE approval a SET status = 'cancelled' FROM enrollment e
WHERE a.status = 'open' AND e.organization_id = a.organization_id AND e.id = a.enrollment_id AND NOT {LIVE}"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of an enrollment to an approval step."""

    organization_id: int
    workflow_id: int
    enrollment_id: int
    visit: int
    step_id: str


async def page(session: Session, organization_id: int, wanted: ListRequest) -> list[Record]:
    conditions, args = _conditions(organization_id, wanted)
    request = wanted.page
    if request.before_id is not None:
        args.append(request.before_id)
        conditions += f" AND a.id < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, SORTS, "a.id")
    sql = f"SELECT {COLUMNS} {FROM}{conditions} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    return await session.fetch(sql, *args)


async def count(session: Session, organization_id: int, wanted: ListRequest) -> int:
    conditions, args = _conditions(organization_id, wanted)
    return int(await session.fetchval(f"SELECT count(*) {FROM}{conditions}", *args))


def _conditions(organization_id: int, wanted: ListRequest) -> tuple[str, list[Any]]:
    args: list[Any] = [organization_id]
    conditions = where(wanted.filters, FILTERED, args)
    if ONLY_OPEN in wanted.filters:
        conditions += f" AND a.status = 'open' AND {LIVE}"  # says the same in words that an index knows
    return conditions, args


async def by_id(session: Session, organization_id: int, approval_id: int) -> Record | None:
    if not is_id(approval_id):
        return None
    return await session.fetchrow(f"SELECT {COLUMNS} {FROM} AND a.id = $2", organization_id, approval_id)


async def lock_enrollment(session: Session, organization_id: int, enrollment_id: int) -> None:
    """Engine and deciders lock the enrollment before its approval, so that they cannot wait for each other."""
    await session.fetchval(LOCK_ENROLLMENT, organization_id, enrollment_id)


async def decide(
    session: Session, organization_id: int, approval_id: int, status: str, by: tuple[str, int], note: str, output: str
) -> bool:
    """Compare and set; whether this call decided it. `output` is JSON."""
    made = await session.fetchval(DECIDE, organization_id, approval_id, status, *by, note, output)
    return made is not None


async def signal(session: Session, organization_id: int, enrollment_id: int, visit: int, content: str) -> None:
    """Tell the visit, which is then due at once, or once it is not held any more. `content` is JSON."""
    await session.execute(SIGNAL, organization_id, enrollment_id, visit, content)


async def of_visit(session: Session, visit: Visit) -> Record | None:
    """Locked until the transaction ends."""
    return await session.fetchrow(OF_VISIT, visit.organization_id, visit.enrollment_id, visit.visit)


async def requester(session: Session, visit: Visit) -> tuple[str | None, int | None]:
    """(actor type, actor id) of whoever enrolled the contact."""
    row = await session.fetchrow(REQUESTER, visit.organization_id, visit.enrollment_id)
    return (row["actor_type"], row["actor_id"]) if row else (None, None)


async def open_approval(
    session: Session,
    visit: Visit,
    role: str,
    message: str,
    due_at: datetime | None,
    requested_by: tuple[str | None, int | None],
) -> int:
    """A new open approval, or the visit's old one opened again (after a retry); its id."""
    place = (visit.organization_id, visit.workflow_id, visit.enrollment_id, visit.visit, visit.step_id)
    return int(await session.fetchval(OPEN, *place, role, message, due_at, *requested_by))


async def move_due(session: Session, organization_id: int, approval_id: int, due_at: datetime | None) -> None:
    await session.execute(DUE, organization_id, approval_id, due_at)


async def expire(session: Session, organization_id: int, approval_id: int) -> None:
    await session.execute(EXPIRE, organization_id, approval_id)


async def tidy(database: Database) -> None:
    """Close open approvals whose runs have ended or gone on without them; readers see them as cancelled anyway."""
    async with database.session(Role.ENGINE) as session:
        await session.execute(TIDY)
