"""The draft beside the live version: saved as it is, incomplete or not; nobody overwrites another's work unseen."""

from typing import Any

import orjson

from drippulse.kit.clock import isoformat
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, ValidationError, not_found
from drippulse.organizations.policy import Principal
from drippulse.workflows import queries as workflows
from drippulse.workflows.normalize import normalize_steps
from drippulse.workflows.publishable import refuse_unavailable
from drippulse.workflows.publishing import queries
from drippulse.workflows.publishing.errors import DraftChangedError, DraftNotFoundError
from drippulse.workflows.publishing.history import require_version
from drippulse.workflows.publishing.schemas import DraftIn
from drippulse.workflows.publishing.state import Findings
from drippulse.workflows.secrets import Step, redact, reveal, seal, unmask
from drippulse.workflows.service import check_steps, require_workflow, stored_steps
from drippulse.workflows.settings import InvalidSettingsError, compile_settings
from drippulse.workflows.tables import WorkflowStatus

ANY_REVISION = -1
"""What `If-Match: *` says: overwrite whatever is there."""


async def get_draft(session: Session, principal: Principal, vault: Vault, workflow_id: int) -> dict[str, Any]:
    """The draft with its findings. Raises NotFoundError, DraftNotFoundError."""
    await require_workflow(session, principal, workflow_id)
    return await _answer(session, principal, vault, workflow_id)


async def save_draft(
    session: Session, principal: Principal, vault: Vault, workflow_id: int, data: DraftIn, revision: int | None
) -> dict[str, Any]:
    """Save what was sent over what there is. An echoed mask stands for the secret of the draft, else of the live step.

    Args:
        revision: what the caller has read, None when nothing; over a draft that exists it has to be right.

    Raises:
        DraftChangedError: the draft is at another revision.
        InvalidStepGraphError: the steps are no list of step objects, or a mask stands for nothing.
        InvalidSettingsError: the settings are no object.
    """
    organization = principal.organization_id
    row = await locked_workflow(session, principal, workflow_id)
    found = await require_draft_row(session, organization, workflow_id)
    _refuse_unseen(found, revision)
    before = read_draft(found)
    _refuse_unknown_base(data.base_version, row["version"])
    live = stored_steps(row, vault, organization)
    stored = {step["id"]: step for step in live}
    if before is not None:
        stored |= {step["id"]: step for step in reveal(before["steps"], vault, organization)}
    sent = data.model_fields_set
    steps = list(stored.values()) if before is None else reveal(before["steps"], vault, organization)
    if "steps" in sent:
        steps = unmask(normalize_steps(data.steps), list(stored.values()))
    settings = before["settings"] if before is not None else orjson.loads(row["settings"])
    if "settings" in sent:
        settings = _settings_object(data.settings)
    base = data.base_version or (before["base_version"] if before is not None else row["version"])
    await store_draft(session, vault, organization, workflow_id, steps, settings, base)
    return await _answer(session, principal, vault, workflow_id)


async def drop_draft(session: Session, principal: Principal, workflow_id: int, revision: int | None) -> None:
    """Raises NotFoundError, DraftNotFoundError, DraftChangedError when a revision was sent that is not the present."""
    await locked_workflow(session, principal, workflow_id)
    found = await require_draft_row(session, principal.organization_id, workflow_id)
    if found["draft"] is None:
        raise DraftNotFoundError
    if revision is not None:
        _refuse_unseen(found, revision)
    await queries.save_draft(session, principal.organization_id, workflow_id, None)


async def restore(
    session: Session, principal: Principal, vault: Vault, workflow_id: int, number: int, revision: int | None
) -> dict[str, Any]:
    """Make a draft of an older version; nothing goes live. Raises as `save_draft` does."""
    organization = principal.organization_id
    await locked_workflow(session, principal, workflow_id)
    version = await require_version(session, organization, workflow_id, number)
    found = await require_draft_row(session, organization, workflow_id)
    _refuse_unseen(found, revision)
    steps = reveal(orjson.loads(version["steps"]), vault, organization)
    await store_draft(session, vault, organization, workflow_id, steps, orjson.loads(version["settings"]), number)
    return await _answer(session, principal, vault, workflow_id)


async def locked_workflow(session: Session, principal: Principal, workflow_id: int) -> Record:
    """The row with its newest steps; nobody else changes the workflow until this transaction ends."""
    row = await workflows.locked(session, principal.organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    return row


async def store_draft(
    session: Session,
    vault: Vault,
    organization_id: int,
    workflow_id: int,
    steps: list[Step],
    settings: dict[str, Any],
    base_version: int,
) -> None:
    """`steps` revealed; they are stored sealed."""
    sealed = seal(steps, vault, organization_id)
    text = orjson.dumps({"steps": sealed, "settings": settings, "base_version": base_version}).decode()
    await queries.save_draft(session, organization_id, workflow_id, text)


async def require_draft_row(session: Session, organization_id: int, workflow_id: int) -> Record:
    """The draft's columns of a workflow that exists; `draft` is null without one."""
    row = await queries.draft(session, organization_id, workflow_id)
    if row is None:
        raise not_found("workflow")
    return row


def read_draft(row: Record) -> dict[str, Any] | None:
    """`{steps, settings, base_version}`, the steps sealed; None without a draft."""
    return None if row["draft"] is None else orjson.loads(row["draft"])


def status_once_live(status: str) -> WorkflowStatus:
    """A workflow that was a draft itself becomes active when its draft is published."""
    return WorkflowStatus.ACTIVE if status == WorkflowStatus.DRAFT else WorkflowStatus(status)


async def problems(session: Session, organization_id: int, status: str, steps: list[Step], settings: Any) -> Findings:
    """What publishing would refuse; `status` is the workflow's now, `steps` revealed."""
    found = _settings_findings(settings)
    return found | await _step_findings(session, organization_id, status_once_live(status), steps)


async def _step_findings(session: Session, organization_id: int, status: str, steps: list[Step]) -> Findings:
    try:
        refuse_unavailable(await check_steps(session, organization_id, steps, []), status)
    except DomainError as error:
        return error.errors or {"steps": [error.message]}
    return {}


def _settings_findings(settings: Any) -> Findings:
    try:
        compile_settings(settings)
    except InvalidSettingsError as error:
        return error.errors
    return {}


def _settings_object(raw: Any) -> dict[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        message = "`settings` must be an object."
        raise InvalidSettingsError(message, errors={"settings": [message]})
    return raw  # pyright: ignore[reportUnknownVariableType] - JSON


def _refuse_unknown_base(base_version: int | None, live_version: int) -> None:
    if base_version is not None and base_version > live_version:
        sentence = f"base_version is a version of this workflow, 1 to {live_version}."
        raise ValidationError(sentence, errors={"base_version": [sentence]})


def _refuse_unseen(found: Record, revision: int | None) -> None:
    exists = found["draft"] is not None
    unseen = exists if revision is None else revision not in (ANY_REVISION, found["revision"])
    if unseen:
        raise DraftChangedError(found["revision"], exists=exists)


async def _answer(session: Session, principal: Principal, vault: Vault, workflow_id: int) -> dict[str, Any]:
    row = await require_draft_row(session, principal.organization_id, workflow_id)
    draft = read_draft(row)
    if draft is None:
        raise DraftNotFoundError
    steps = reveal(draft["steps"], vault, principal.organization_id)
    return {
        "workflow_id": workflow_id,
        "revision": row["revision"],
        "base_version": draft["base_version"],
        "live_version": row["live_version"],
        "steps": redact(steps),
        "settings": draft["settings"],
        "problems": await problems(session, principal.organization_id, row["status"], steps, draft["settings"]),
        "updated_at": isoformat(row["draft_updated_at"]),
    }
