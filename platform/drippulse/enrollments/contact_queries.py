"""Reads of stored contacts' runs. Every statement names the organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.ids import uuid_or_none

LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS k (key)"

LIVE = """SELECT DISTINCT lead_ref FROM enrollment WHERE organization_id = $1 AND workflow_id = $2
AND lead_ref = ANY ($3::text[]) AND status IN ('active', 'paused') AND deleted_at IS NULL"""

SUPPRESSED = "SELECT email FROM suppression WHERE organization_id = $1 AND email = ANY ($2::text[])"

# A run on the trigger is about to enter the step behind it.
SHOWN = """SELECT e.id, e.workflow_id, e.lead_ref, e.email, e.status, e.step_id, e.next_run_at, e.wait_reason,
  e.exit_reason, e.last_error, e.created_at, e.updated_at, e.finished_at, e.bag -> 'vars' AS variables,
  v.steps -> 0 ->> 'id' AS first_step_id, v.steps -> 0 ->> 'type' AS first_step_type,
  v.steps -> 1 ->> 'id' AS second_step_id
FROM enrollment e
JOIN workflow w ON w.organization_id = e.organization_id AND w.id = e.workflow_id AND w.deleted_at IS NULL
JOIN workflow_version v ON v.organization_id = e.organization_id AND v.workflow_id = e.workflow_id
  AND v.version = e.workflow_version
WHERE e.organization_id = $1 AND e.deleted_at IS NULL"""

COUNT = """SELECT count(*) FROM enrollment e
JOIN workflow w ON w.organization_id = e.organization_id AND w.id = e.workflow_id AND w.deleted_at IS NULL
WHERE e.organization_id = $1 AND e.deleted_at IS NULL"""

CANCEL = """WITH live AS (
  SELECT id FROM enrollment WHERE organization_id = $1 AND lead_ref = ANY ($2::text[])
    AND status IN ('active', 'paused') AND deleted_at IS NULL
  ORDER BY id FOR UPDATE)
UPDATE enrollment e SET status = 'cancelled', next_run_at = NULL, claimable_at = NULL, wait_reason = NULL,
  holds = 0, held_at = NULL, fence = e.fence + 1, exit_reason = $3, finished_at = now(), updated_at = now()
FROM live WHERE e.organization_id = $1 AND e.id = live.id RETURNING e.id, e.workflow_id, e.lead_ref"""


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Which runs to answer; None does not filter. `contact` is a contact's public id."""

    workflow_id: int | None = None
    contact: str | None = None
    status: str | None = None


async def lock(session: Session, numbers: list[int]) -> None:
    """In order, so that two requests cannot wait for each other."""
    await session.execute(LOCK, sorted(set(numbers)))


async def live(session: Session, organization_id: int, workflow_id: int, contacts: list[str]) -> set[str]:
    """Those of the contacts (public ids) that have a run under way in the workflow."""
    rows = await session.fetch(LIVE, organization_id, workflow_id, contacts)
    return {row["lead_ref"] for row in rows}


async def suppressed(session: Session, organization_id: int, keys: list[str]) -> set[str]:
    """Those of the mailbox keys that are on the suppression list."""
    rows = await session.fetch(SUPPRESSED, organization_id, keys)
    return {row["email"] for row in rows}


async def run(session: Session, organization_id: int, enrollment_id: int) -> Record | None:
    return await session.fetchrow(f"{SHOWN} AND e.id = $2", organization_id, enrollment_id)


async def runs(
    session: Session, organization_id: int, filters: RunFilters, *, limit: int, offset: int
) -> tuple[list[Record], int]:
    """A page, newest first, and how many there are in all."""
    where, args = _where(organization_id, filters)
    total = int(await session.fetchval(COUNT + where, *args))
    order = f" ORDER BY e.id DESC LIMIT ${len(args) + 1} OFFSET ${len(args) + 2}"
    return await session.fetch(SHOWN + where + order, *args, limit, offset), total


async def cancel(session: Session, organization_id: int, lead_refs: list[str], reason: str) -> list[Record]:
    """End what is under way for these references, in every workflow; id, workflow_id and lead_ref of each."""
    return await session.fetch(CANCEL, organization_id, lead_refs, reason)


def _where(organization_id: int, filters: RunFilters) -> tuple[str, list[Any]]:
    where, args = "", list[Any]([organization_id])
    wanted = (("e.workflow_id", filters.workflow_id), ("e.lead_ref", filters.contact), ("e.status", filters.status))
    for column, value in wanted:
        if value is not None:
            args.append(value)
            where += f" AND {column} = ${len(args)}"
    return where, args


async def public_ids(session: Session, organization_id: int, refs: Sequence[str]) -> dict[str, str]:
    """UUID -> public id, of the live contacts among them."""
    uuids = [found for ref in refs if (found := uuid_or_none(ref)) is not None]
    rows = await session.fetch(
        "SELECT id, public_id FROM contact WHERE organization_id = $1 AND deleted_at IS NULL AND id = ANY ($2::uuid[])",
        organization_id,
        uuids,
    )
    return {str(row["id"]): row["public_id"] for row in rows}
