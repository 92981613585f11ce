"""Taking due work: the one query that reaches over organizations, under the engine's own database role."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drippulse.enrollments.gate import TURNED_AWAY, turn_away
from drippulse.enrollments.tables import RETRY
from drippulse.kit.db import Database, Record, Role, Session

SUSPECT_AFTER = 2

# Every organization with active enrollments, by skipping through the index: cost grows with organizations, not rows.
TENANTS = """
WITH RECURSIVE tenant AS (
  (SELECT organization_id FROM enrollment WHERE status = 'active' ORDER BY organization_id LIMIT 1)
  UNION ALL
  SELECT (SELECT e.organization_id FROM enrollment e
          WHERE e.status = 'active' AND e.organization_id > t.organization_id
          ORDER BY e.organization_id LIMIT 1)
  FROM tenant t WHERE t.organization_id IS NOT NULL
), first_due AS MATERIALIZED (
  SELECT t.organization_id, (
    SELECT e.claimable_at FROM enrollment e
    WHERE e.organization_id = t.organization_id AND e.status = 'active' AND e.claimable_at IS NOT NULL
    ORDER BY e.claimable_at LIMIT 1) AS due_at
  FROM tenant t WHERE t.organization_id IS NOT NULL
)
"""

# Begun more than once before, and never once ended in an orderly way: perhaps this one kills its workers.
SUSPECT = f"e.attempt >= {SUSPECT_AFTER} AND e.wait_reason IS DISTINCT FROM '{RETRY}'"

# What is due, each with what its workflow and organization say; claimed with its lease, its fence and one attempt more.
TAKE = f"""
UPDATE enrollment e
SET claimable_at = now() + $2, fence = e.fence + 1, attempt = e.attempt + 1
FROM (
  SELECT d.id, w.paused_steps, o.timezone AS organization_timezone, {TURNED_AWAY} AS turned_away
  FROM due d LEFT JOIN workflow w ON w.organization_id = d.organization_id AND w.id = d.workflow_id
    LEFT JOIN organization o ON o.id = d.organization_id
) c
WHERE e.id = ANY (ARRAY (SELECT id FROM due)) AND e.id = c.id
RETURNING e.id, e.organization_id, e.workflow_id, e.workflow_version, e.timezone, e.current_step_index, e.step_id,
  e.visit, e.visits, e.bag, e.attempt, e.step_entered_at, e.next_run_at, e.fence, e.intent_at, e.wait_reason,
  e.signal, e.sends_for, now() AS now, c.paused_steps, c.turned_away, c.organization_timezone,
  EXISTS (SELECT FROM enrollment e WHERE e.status = 'active' AND e.claimable_at <= now() AND {SUSPECT}) AS suspects
"""

CLAIM = f"""{TENANTS}, due_tenant AS MATERIALIZED (
  SELECT organization_id FROM first_due WHERE due_at <= now() AND organization_id <> ALL ($3::bigint[])
  ORDER BY random() LIMIT $1::bigint
), due AS MATERIALIZED (
  SELECT d.* FROM due_tenant t CROSS JOIN LATERAL (
    SELECT e.id, e.organization_id, e.workflow_id FROM enrollment e
    WHERE e.organization_id = t.organization_id AND e.status = 'active' AND e.claimable_at <= now()
      AND NOT ({SUSPECT})
    ORDER BY e.claimable_at
    LIMIT (SELECT greatest(1, ceil($1::numeric / count(*)))::bigint FROM due_tenant)
    FOR UPDATE SKIP LOCKED
  ) d
)
{TAKE}"""

CLAIM_SUSPECT = f"""WITH due AS MATERIALIZED (
  SELECT e.id, e.organization_id, e.workflow_id FROM enrollment e
  WHERE e.status = 'active' AND e.claimable_at <= now() AND {SUSPECT} AND e.organization_id <> ALL ($3::bigint[])
  ORDER BY e.claimable_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED
)
{TAKE}"""

NEXT_DUE = f"""{TENANTS} SELECT extract(epoch FROM min(due_at) - now())::float8 FROM first_due
WHERE organization_id <> ALL ($1::bigint[])"""

# A row that is locked is being committed, held or cancelled; waiting for it could end in a deadlock.
OURS = """WITH ours AS MATERIALIZED (
  SELECT e.id FROM enrollment e JOIN unnest($1::bigint[], $2::bigint[]) AS held(id, fence) USING (id, fence)
  WHERE e.id = ANY ($1) AND e.status = 'active' FOR NO KEY UPDATE OF e SKIP LOCKED
)"""

RENEW = f"""{OURS}
UPDATE enrollment e SET claimable_at = now() + $3 WHERE e.id = ANY (ARRAY (SELECT id FROM ours)) RETURNING e.id
"""

RELEASE = f"""{OURS}
UPDATE enrollment e
SET claimable_at = coalesce(e.next_run_at, now()), fence = e.fence + 1, attempt = greatest(e.attempt - 1, 0)
WHERE e.id = ANY (ARRAY (SELECT id FROM ours)) RETURNING e.id
"""

VERSION = """
SELECT steps, settings FROM workflow_version WHERE organization_id = $1 AND workflow_id = $2 AND version = $3
"""

RECORDED = """
SELECT d.enrollment_id, d.visit, d.status, d.response
FROM unnest($1::bigint[], $2::bigint[], $3::int[]) AS open(organization_id, enrollment_id, visit)
JOIN delivery d USING (organization_id, enrollment_id, visit) WHERE d.status <> 'intent'
"""


@dataclass(slots=True)
class Claimed:
    """An enrollment that this worker holds until its lease ends. `fence` moves with every commit of ours."""

    id: int
    organization_id: int
    workflow_id: int
    workflow_version: int
    timezone: str
    step_index: int
    step_id: str
    visit: int
    visits: str
    bag: str
    attempt: int
    entered_at: datetime
    due_at: datetime | None
    fence: int
    intent_at: datetime | None
    wait_reason: str | None
    signal: str | None
    sends_for: int | None
    paused_steps: list[str]
    organization_timezone: str
    now: datetime

    @property
    def owner(self) -> int:
        """Whose mails and timeline it writes: its own, unless it sends a mail of another run again."""
        return self.sends_for or self.id


class Batch(list[Claimed]):
    """What one claim took. `suspects` says that there are due enrollments which this kind of claim leaves alone."""

    suspects: bool = True


async def claim(database: Database, limit: int, lease_seconds: float, without: Collection[int] = ()) -> Batch:
    """At most about `limit` due enrollments, taken evenly from every organization that has any; no suspects.

    Args:
        without: organizations that have enough under way here.
    """
    return await _claim(database, CLAIM, limit, lease_seconds, without)


async def claim_suspect(database: Database, lease_seconds: float, without: Collection[int] = ()) -> Batch:
    """One enrollment that may be killing its workers, to be worked on alone, so that it takes nobody along."""
    return await _claim(database, CLAIM_SUSPECT, 1, lease_seconds, without)


async def _claim(database: Database, sql: str, limit: int, lease_seconds: float, without: Collection[int]) -> Batch:
    async with database.session(Role.ENGINE) as session:
        rows = await session.fetch(sql, limit, timedelta(seconds=lease_seconds), list(without))
        if any(row["turned_away"] for row in rows):
            await turn_away(session, [row for row in rows if row["turned_away"]])
    batch = Batch(_claimed(row) for row in rows if not row["turned_away"])
    if rows:
        batch.suspects = rows[0]["suspects"]
    return batch


def _claimed(row: Record) -> Claimed:
    return Claimed(
        row["id"],
        row["organization_id"],
        row["workflow_id"],
        row["workflow_version"],
        row["timezone"],
        row["current_step_index"],
        row["step_id"],
        row["visit"],
        row["visits"],
        row["bag"],
        row["attempt"],
        row["step_entered_at"],
        row["next_run_at"],
        row["fence"],
        row["intent_at"],
        row["wait_reason"],
        row["signal"],
        row["sends_for"],
        row["paused_steps"] or [],
        row["organization_timezone"] or "UTC",
        row["now"],
    )


async def seconds_to_next_due(database: Database, without: Collection[int] = ()) -> float | None:
    """Seconds until the next enrollment is due or a lease runs out; negative when overdue; None when there is none."""
    async with database.session(Role.ENGINE) as session:
        return await session.fetchval(NEXT_DUE, list(without))


async def renew(database: Database, held: list[tuple[int, int]], lease_seconds: float) -> set[int]:
    """Push the end of the lease on these (id, fence) pairs; the ids that are still ours."""
    return await _write(database, RENEW, held, timedelta(seconds=lease_seconds))


async def release(database: Database, held: list[tuple[int, int]]) -> set[int]:
    """Give these (id, fence) pairs back as if they had not been claimed; the ids that were still ours."""
    return await _write(database, RELEASE, held)


async def _write(database: Database, sql: str, held: list[tuple[int, int]], *args: Any) -> set[int]:
    if not held:
        return set()
    async with database.session(Role.ENGINE) as session:
        rows = await session.fetch(sql, [one for one, _ in held], [fence for _, fence in held], *args)
    return {row["id"] for row in rows}


async def load_version(session: Session, organization_id: int, workflow_id: int, version: int) -> Record | None:
    """Steps and settings of an immutable version as JSON texts."""
    return await session.fetchrow(VERSION, organization_id, workflow_id, version)


async def recorded_outcomes(database: Database, claimed: list[Claimed]) -> dict[tuple[int, int], tuple[str, str]]:
    """Of open intents, those whose mail's outcome a fenced worker recorded.

    Returns:
        (id of the enrollment that the mail is of, visit) -> (status, the server's answer).
    """
    async with database.session(Role.ENGINE) as session:
        rows = await session.fetch(
            RECORDED,
            [one.organization_id for one in claimed],
            [one.owner for one in claimed],
            [one.visit for one in claimed],
        )
    return {(row["enrollment_id"], row["visit"]): (row["status"], row["response"] or "") for row in rows}
