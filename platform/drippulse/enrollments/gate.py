"""Runs that no hold has reached yet: the claim turns them away, no call begins, and a paused step keeps them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from drippulse.enrollments.cancellation import report_cancelled
from drippulse.enrollments.hold_locks import barred, holds_stay
from drippulse.enrollments.tables import Hold
from drippulse.events.service import SystemActor
from drippulse.kit.db import Record, Session
from drippulse.workflows.steps.base import Decision, WaitUntil

LOOK_AGAIN = timedelta(seconds=1)
CHANGING = "workflow_changing"

TURNED_AWAY = "coalesce(w.status = 'paused' OR w.deleted_at IS NOT NULL OR o.paused_at IS NOT NULL, false)"
"""Whether an enrollment of workflow `w` and organization `o` must not run, although nothing holds it."""

DELETED = "workflow_deleted"

# Claimed rows as they were before, with the hold that they should have, since when they should have it.
TURN_AWAY = f"""
UPDATE enrollment e SET attempt = greatest(e.attempt - 1, 0), updated_at = now(),
  holds = h.holds, held_at = CASE WHEN h.holds <> 0 THEN coalesce(h.since, now()) END,
  claimable_at = CASE WHEN NOT $4::boolean THEN now() + $5::interval
    WHEN h.holds = 0 AND NOT h.gone THEN coalesce(e.next_run_at, now()) END,
  status = CASE WHEN h.gone THEN 'cancelled' ELSE e.status END,
  exit_reason = CASE WHEN h.gone THEN '{DELETED}' END,
  finished_at = CASE WHEN h.gone THEN now() END, fence = e.fence + 1
FROM (
  SELECT $4 AND w.deleted_at IS NOT NULL AS gone, CASE WHEN $4 AND w.deleted_at IS NULL THEN
    CASE WHEN w.status = 'paused' THEN {Hold.WORKFLOW.value} ELSE 0 END
    + CASE WHEN o.paused_at IS NOT NULL THEN {Hold.ORGANIZATION.value} ELSE 0 END ELSE 0 END AS holds,
    (SELECT min(c.created_at) FROM hold_change c WHERE c.organization_id = $1 AND c.finished_at IS NULL
      AND c.kind = 'hold' AND (c.workflow_id = $2 OR c.workflow_id IS NULL) AND c.step_id IS NULL) AS since
  FROM workflow w JOIN organization o ON o.id = w.organization_id WHERE w.organization_id = $1 AND w.id = $2
) h
WHERE e.organization_id = $1 AND e.id = ANY ($3::bigint[])
RETURNING e.id, e.workflow_id, e.lead_ref, e.sends_for, h.gone
"""

PAUSED = "SELECT paused_steps FROM workflow WHERE organization_id = $1 AND id = $2"


class Comer(Protocol):
    """An enrollment on its way into a paused step. `held` says so."""

    organization_id: int
    workflow_id: int
    step_id: str
    held: bool
    next_run_at: datetime | None


class Caller(Protocol):
    """An enrollment that is about to make a call, for which its intent is committed."""

    organization_id: int
    workflow_id: int
    next_run_at: datetime | None
    refusal: Decision | None


async def refuse_while_changing(session: Session, items: Sequence[Caller]) -> None:
    """No call begins while somebody pauses its step, its workflow or the organization, nor once that has committed: it
    comes back in a moment, to be turned away.

    For the others nobody can pause until this transaction has ended.
    """
    if not items:
        return
    changing = await barred(session, [(item.organization_id, item.workflow_id) for item in items])
    for item in items:
        if item.next_run_at is not None and (item.organization_id, item.workflow_id) in changing:
            item.refusal = WaitUntil(item.next_run_at + LOOK_AGAIN, CHANGING)


async def turn_away(session: Session, rows: Sequence[Record]) -> None:
    """Hold these claimed rows as their workflow and organization are held now; those of a deleted workflow end."""
    ordered = sorted(rows, key=lambda row: (row["organization_id"], row["workflow_id"]))
    for (organization_id, workflow_id), group in groupby(
        ordered, key=lambda row: (row["organization_id"], row["workflow_id"])
    ):
        sure = await holds_stay(session, organization_id, workflow_id)
        ids = [row["id"] for row in group]
        turned = await session.fetch(TURN_AWAY, organization_id, workflow_id, ids, sure, LOOK_AGAIN)
        gone = [row for row in turned if row["gone"]]
        await report_cancelled(session, SystemActor(organization_id), gone, DELETED)


async def settle_holds(session: Session, items: Sequence[Comer]) -> None:
    """Look once more whether their steps are paused, now that nobody can change it; else they come back in a moment."""
    for organization_id, workflow_id in {(item.organization_id, item.workflow_id) for item in items}:
        sure = await holds_stay(session, organization_id, workflow_id)
        paused: list[str] = await session.fetchval(PAUSED, organization_id, workflow_id) if sure else []
        for item in items:
            if (item.organization_id, item.workflow_id) != (organization_id, workflow_id):
                continue
            if item.step_id not in paused:
                item.held = False
                if not sure and item.next_run_at is not None:
                    item.next_run_at += LOOK_AGAIN
