"""Pausing workflows and single steps, and resuming them."""

from typing import Any

import orjson

from drippulse.enrollments import hold_changes
from drippulse.enrollments.hold_changes import Change, ChangeKind
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.holding import AS_IT_WAS, ResumePolicy
from drippulse.enrollments.holds import held_of_workflow
from drippulse.enrollments.tables import Hold
from drippulse.events import service as events
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.organizations.policy import Principal
from drippulse.workflows import queries, service
from drippulse.workflows.errors import WorkflowNotActiveError
from drippulse.workflows.schemas import WorkflowUpdate
from drippulse.workflows.tables import WorkflowStatus

STATE = """SELECT w.id, w.status, w.paused_steps, o.paused_at IS NOT NULL AS organization_paused
FROM workflow w JOIN organization o ON o.id = w.organization_id
WHERE w.organization_id = $1 AND w.id = $2 AND w.deleted_at IS NULL"""

SET_STEPS = "UPDATE workflow SET paused_steps = $3, updated_at = now() WHERE organization_id = $1 AND id = $2"

STEP_KNOWN = """SELECT EXISTS (SELECT FROM workflow_version WHERE organization_id = $1 AND workflow_id = $2
  AND steps @> $3::jsonb)"""


async def show_holds(session: Session, principal: Principal, workflow_id: int, changed: int = 0) -> dict[str, Any]:
    """What is paused about a workflow, and how many runs are held. Raises NotFoundError."""
    row = await service.require_workflow(session, principal, workflow_id)
    state = await session.fetchrow(STATE, principal.organization_id, row["id"])
    if state is None:
        raise not_found("workflow")
    return {
        "workflow_id": state["id"],
        "status": state["status"],
        "organization_paused": state["organization_paused"],
        "paused_steps": state["paused_steps"],
        "held": await held_of_workflow(session, principal.organization_id, workflow_id),
        "changed": changed,
        "remaining": await hold_changes.remaining(session, principal.organization_id, workflow_id),
    }


async def pause_workflow(session: Session, principal: Principal, vault: Vault, workflow_id: int) -> dict[str, Any]:
    """Hold every run of an active workflow; a paused one stays as it is.

    Raises:
        NotFoundError: no such workflow.
        WorkflowNotActiveError: it is a draft or archived.
    """
    row = await _locked(session, principal, workflow_id)
    if row["status"] not in {WorkflowStatus.ACTIVE, WorkflowStatus.PAUSED}:
        raise WorkflowNotActiveError(row["status"], "pause")
    return await _set_status(session, principal, vault, row, WorkflowStatus.PAUSED, AS_IT_WAS)


async def resume_workflow(
    session: Session, principal: Principal, vault: Vault, workflow_id: int, policy: ResumePolicy
) -> dict[str, Any]:
    """Lift the workflow's hold; an active one stays as it is. Wake the engine after commit. Raises as pausing does."""
    row = await _locked(session, principal, workflow_id)
    if row["status"] not in {WorkflowStatus.ACTIVE, WorkflowStatus.PAUSED}:
        raise WorkflowNotActiveError(row["status"], "resume")
    return await _set_status(session, principal, vault, row, WorkflowStatus.ACTIVE, policy)


async def pause_step(session: Session, principal: Principal, workflow_id: int, step_id: str) -> dict[str, Any]:
    """Hold those who stand on the step, and whoever comes to it.

    Raises:
        NotFoundError: no such workflow, or no version of it has this step.
    """
    row = await _locked(session, principal, workflow_id)
    paused = await _paused_steps(session, principal, row, step_id)
    changed = 0
    if step_id not in paused:
        await _set_steps(session, principal, row, [*paused, step_id], "workflow.step_paused", step_id)
        change = Change(ChangeKind.HOLD, Hold.STEP, workflow_id, step_id)
        changed = await hold_changes.begin(session, principal, change)
    return await show_holds(session, principal, workflow_id, changed)


async def resume_step(
    session: Session, principal: Principal, workflow_id: int, step_id: str, policy: ResumePolicy
) -> dict[str, Any]:
    """Let those on the step go on. Wake the engine after commit. Raises as pausing does."""
    row = await _locked(session, principal, workflow_id)
    paused = await _paused_steps(session, principal, row, step_id)
    changed = 0
    if step_id in paused:
        left = [one for one in paused if one != step_id]
        await _set_steps(session, principal, row, left, "workflow.step_resumed", step_id)
        change = Change(ChangeKind.RELEASE, Hold.STEP, workflow_id, step_id, policy)
        changed = await hold_changes.begin(session, principal, change)
    return await show_holds(session, principal, workflow_id, changed)


async def _locked(session: Session, principal: Principal, workflow_id: int) -> Record:
    row = await queries.locked(session, principal.organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    return row


async def _set_status(
    session: Session, principal: Principal, vault: Vault, row: Record, status: WorkflowStatus, policy: ResumePolicy
) -> dict[str, Any]:
    workflow_id: int = row["id"]
    if row["status"] == status:
        return await show_holds(session, principal, workflow_id)
    update = WorkflowUpdate.model_validate({"status": status})
    few = await hold_changes.is_few(session, principal.organization_id, workflow_id)
    before = (await held_of_workflow(session, principal.organization_id, workflow_id))["workflow_paused"] if few else 0
    await service.update_workflow(session, principal, vault, workflow_id, update, policy)
    answer = await show_holds(session, principal, workflow_id)
    changed = abs(answer["held"]["workflow_paused"] - before) if few else answer["remaining"]
    return {**answer, "changed": changed}


async def _paused_steps(session: Session, principal: Principal, row: Record, step_id: str) -> list[str]:
    """The paused steps as they are, once nobody else changes them. Raises NotFoundError for a step of no version."""
    organization_id = principal.organization_id
    known = orjson.dumps([{"id": step_id}]).decode()
    if not await session.fetchval(STEP_KNOWN, organization_id, row["id"], known):
        raise not_found("step")
    await nothing_starts(session, organization_id, row["id"])
    state = await session.fetchrow(STATE, organization_id, row["id"])
    return list(state["paused_steps"]) if state else []


async def _set_steps(
    session: Session, principal: Principal, row: Record, steps: list[str], event: str, step_id: str
) -> None:
    await session.execute(SET_STEPS, principal.organization_id, row["id"], steps)
    await events.append(session, event, "workflow", row["id"], principal, {"step_id": step_id})
