"""What workflows do: definitions with immutable versions, and dry runs."""

from collections.abc import Mapping
from typing import Any

import orjson

from drippulse.enrollments import hold_changes, holding
from drippulse.enrollments.hold_changes import Change, ChangeKind
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.tables import Hold
from drippulse.events import listeners
from drippulse.events import service as events
from drippulse.kit.clock import isoformat
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest, listed
from drippulse.mail_templates.snapshots import with_snapshots
from drippulse.organizations.policy import Principal
from drippulse.projects.service import place_workflow
from drippulse.workflows import queries
from drippulse.workflows.graph import Graph, compile_graph, normalize_steps
from drippulse.workflows.publishable import refuse_unavailable, refuse_unknown_workflows
from drippulse.workflows.schemas import WorkflowCreate, WorkflowUpdate
from drippulse.workflows.secrets import Step, may_hold_secrets, redact, reveal, seal, unmask
from drippulse.workflows.settings import compile_settings, settings_json
from drippulse.workflows.tables import WorkflowStatus

STATUS_EVENTS = {
    WorkflowStatus.ACTIVE: "workflow.published",
    WorkflowStatus.PAUSED: "workflow.paused",
    WorkflowStatus.ARCHIVED: "workflow.archived",
}


def present(row: Record) -> dict[str, Any]:
    """The resource as every edge answers it; steps and integrations are JSON text that goes out as it is."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "version": row["version"],
        "steps": _shown_steps(row["steps"]),
        "integrations": orjson.Fragment(row["integrations"]),
        "project_id": row["project_id"],
        "settings": orjson.Fragment(row["settings"]),
        "has_draft": row["has_draft"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


def _shown_steps(text: str) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(redact(orjson.loads(text))) if may_hold_secrets(text) else text)


async def list_workflows(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """`{workflows, total_count}`, newest first; paginated answers also have `next_cursor`."""
    organization = principal.organization_id
    rows = await queries.page(session, organization, wanted)
    total = await queries.count(session, organization, wanted) if wanted.page.paginated else len(rows)
    return listed("workflows", rows, wanted.page, present, total)


async def get_workflow(session: Session, principal: Principal, workflow_id: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    return present(await require_workflow(session, principal, workflow_id))


async def require_workflow(session: Session, principal: Principal, workflow_id: int) -> Record:
    """The row with its newest steps. Raises NotFoundError for unknown, deleted and foreign ids alike."""
    row = await queries.by_id(session, principal.organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    return row


async def shared_workflow(session: Session, principal: Principal, workflow_id: int) -> Record:
    """The same, and nobody pauses, archives or deletes it until this transaction ends."""
    row = await queries.shared(session, principal.organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    return row


async def create_workflow(session: Session, principal: Principal, vault: Vault, data: WorkflowCreate) -> dict[str, Any]:
    """Raises InvalidStepGraphError and InvalidSettingsError when they do not make a runnable workflow."""
    organization = principal.organization_id
    settings = _json(settings_json(compile_settings(data.settings)))
    steps = await check_steps(session, organization, data.steps, [])
    workflow_id = await queries.insert(
        session,
        organization,
        name=data.name,
        description=data.description,
        status=data.status,
        integrations=_json(data.integrations),
    )
    if data.project_id is not None:
        await place_workflow(session, organization, workflow_id, data.project_id)
    sealed = _json(seal(steps, vault, organization))
    await queries.insert_version(session, organization, workflow_id, 1, sealed, settings=settings, actor=principal)
    summary = {"name": data.name, "status": data.status.value, "version": 1}
    await events.append(session, "workflow.created", "workflow", workflow_id, principal, summary)
    if data.status in STATUS_EVENTS:
        await events.append(session, STATUS_EVENTS[data.status], "workflow", workflow_id, principal, summary)
    return await _saved(session, principal, workflow_id)


async def update_workflow(
    session: Session,
    principal: Principal,
    vault: Vault,
    workflow_id: int,
    data: WorkflowUpdate,
    resume: holding.ResumePolicy = holding.AS_IT_WAS,
) -> dict[str, Any]:
    """Change what was sent; other steps or settings make a new version, to which what is in flight does not move.

    Args:
        resume: how to go on where this ends a pause.
    """
    row = await queries.locked(session, principal.organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    organization = principal.organization_id
    version = await _next_version(session, principal, vault, row, data)
    changed = _changed(row, data)
    if "project_id" in data.model_fields_set:
        await place_workflow(session, organization, workflow_id, data.project_id)
    await queries.update(session, organization, workflow_id, version=version, **changed)
    await _hold_or_release(session, principal, workflow_id, (row["status"], changed["status"]), resume)
    await _report_update(session, principal, row, changed, version)
    return await _saved(session, principal, workflow_id)


async def _saved(session: Session, principal: Principal, workflow_id: int) -> dict[str, Any]:
    """The answer, unless what was saved goes live with a step that cannot run yet."""
    row = await require_workflow(session, principal, workflow_id)
    refuse_unavailable(orjson.loads(row["steps"]), row["status"])
    await listeners.refresh(session, principal.organization_id, workflow_id)
    return present(row)


async def _next_version(session: Session, principal: Principal, vault: Vault, row: Record, data: WorkflowUpdate) -> int:
    """The number of the version that is live from now on: a new one, when what was sent differs from the newest."""
    organization, version, sent = principal.organization_id, int(row["version"]), data.model_fields_set
    stored: dict[str, Any] = orjson.loads(row["settings"])
    settings = settings_json(compile_settings(data.settings)) if "settings" in sent else stored
    before = stored_steps(row, vault, organization) if "steps" in sent else []
    after = await check_steps(session, organization, data.steps, before) if "steps" in sent else before
    if after == before and settings == stored:
        return version
    steps = row["steps"] if after == before else _json(seal(after, vault, organization))
    await queries.insert_version(
        session, organization, row["id"], version + 1, steps, settings=_json(settings), actor=principal
    )
    return version + 1


async def _hold_or_release(
    session: Session, principal: Principal, workflow_id: int, change: tuple[str, str], resume: holding.ResumePolicy
) -> None:
    """Pausing holds what is enrolled; any other status lets it go on."""
    before, after = change
    if after == WorkflowStatus.PAUSED != before:
        await hold_changes.begin(session, principal, Change(ChangeKind.HOLD, Hold.WORKFLOW, workflow_id))
    elif before == WorkflowStatus.PAUSED != after:
        await hold_changes.begin(
            session, principal, Change(ChangeKind.RELEASE, Hold.WORKFLOW, workflow_id, policy=resume)
        )
    elif after == WorkflowStatus.ARCHIVED != before:
        await nothing_starts(session, principal.organization_id, workflow_id)


def _changed(row: Record, data: WorkflowUpdate) -> dict[str, str]:
    sent = data.model_fields_set
    return {
        "name": data.name if "name" in sent else row["name"],
        "description": data.description if "description" in sent else row["description"],
        "status": data.status.value if "status" in sent else row["status"],
        "integrations": _json(data.integrations) if "integrations" in sent else row["integrations"],
    }


async def _report_update(
    session: Session, principal: Principal, before: Record, changed: Mapping[str, str], version: int
) -> None:
    summary = {"name": changed["name"], "status": changed["status"], "version": version}
    await events.append(session, "workflow.updated", "workflow", before["id"], principal, summary)
    status = WorkflowStatus(changed["status"])
    if changed["status"] != before["status"] and status in STATUS_EVENTS:
        await events.append(session, STATUS_EVENTS[status], "workflow", before["id"], principal, summary)


async def delete_workflow(session: Session, principal: Principal, workflow_id: int) -> None:
    """Soft: it disappears from every answer, nothing of it runs any more, and what is enrolled in it is cancelled, many
    runs after the transaction."""
    organization = principal.organization_id
    row = await queries.locked(session, organization, workflow_id)
    if row is None:
        raise not_found("workflow")
    await queries.soft_delete(session, organization, workflow_id)
    await listeners.refresh(session, organization, workflow_id)
    await hold_changes.begin(
        session, principal, Change(ChangeKind.CANCEL, Hold(0), workflow_id, reason="workflow_deleted")
    )
    await events.append(session, "workflow.archived", "workflow", workflow_id, principal, {"deleted": True})


async def newest_graph(session: Session, principal: Principal, vault: Vault, workflow_id: int) -> Graph:
    """The compiled steps of the newest version, with their secrets, for a dry run."""
    row = await require_workflow(session, principal, workflow_id)
    return compile_graph(stored_steps(row, vault, principal.organization_id))


async def check_steps(session: Session, organization_id: int, raw: Any, stored: list[Step]) -> list[Step]:
    """Sent steps in canonical form, proven to compile, with the texts of the templates they name; secrets in plain
    text.

    Args:
        stored: the current steps, revealed: what an echoed mask stands for.

    Raises:
        InvalidStepGraphError: names the step and the field.
    """
    steps = await with_snapshots(session, organization_id, unmask(normalize_steps(raw), stored))
    compile_graph(steps)
    await refuse_unknown_workflows(session, organization_id, steps)
    return steps


def stored_steps(row: Record, vault: Vault, organization_id: int) -> list[Step]:
    """The steps of a row, secrets in plain text."""
    return reveal(orjson.loads(row["steps"]), vault, organization_id)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
