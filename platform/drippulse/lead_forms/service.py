"""What people of the organization do with lead forms."""

import secrets
from typing import Any, Final

import orjson

from drippulse.crm import queries as crm_queries
from drippulse.crm.custom_fields.service import definitions_of
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import ListRequest
from drippulse.lead_forms import queries
from drippulse.lead_forms.errors import InvalidLeadFormError
from drippulse.lead_forms.policy import check_fields
from drippulse.lead_forms.schemas import LeadFormFields, LeadFormUpdate
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.lists import read_list
from drippulse.organizations.policy import Principal
from drippulse.workflows.service import require_workflow

RESOURCE: Final = "lead form"
TOKEN_BYTES: Final = 24


async def list_lead_forms(session: Session, principal: Principal, wanted: ListRequest, base: str) -> dict[str, Any]:
    return await read_list(session, principal.organization_id, queries.LIST, wanted, lambda row: present(row, base))


async def get_lead_form(session: Session, principal: Principal, form_id: int, base: str) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ids alike."""
    return present(await _found(session, principal, form_id), base)


async def create_lead_form(session: Session, principal: Principal, data: LeadFormFields, base: str) -> dict[str, Any]:
    """Raises InvalidLeadFormError, and NotFoundError for a workflow or an owner that is not the organization's."""
    await _check(session, principal, data)
    form_id = await queries.insert(session, principal.organization_id, _new_token(), _values(data))
    await _record(session, principal, AuditAction.LEAD_FORM_CREATED, form_id, {"name": data.name})
    return await get_lead_form(session, principal, form_id, base)


async def update_lead_form(
    session: Session, principal: Principal, form_id: int, data: LeadFormUpdate, base: str
) -> dict[str, Any]:
    """Change what was sent. Raises what `create_lead_form` raises."""
    row = await _found(session, principal, form_id, lock=True)
    stored = {name: value for name, value in present(row, base).items() if name in LeadFormFields.model_fields}
    sent = data.model_dump(mode="json", exclude_unset=True)
    merged = LeadFormFields.model_validate({**stored, **sent})
    await _check(session, principal, merged)
    await queries.update(session, principal.organization_id, form_id, _values(merged))
    await _record(session, principal, AuditAction.LEAD_FORM_UPDATED, form_id, {"fields": sorted(data.model_fields_set)})
    return await get_lead_form(session, principal, form_id, base)


async def rotate_token(session: Session, principal: Principal, form_id: int, base: str) -> dict[str, Any]:
    """A new address; the old one stops working at once. Raises NotFoundError."""
    await _found(session, principal, form_id, lock=True)
    await queries.set_token(session, principal.organization_id, form_id, _new_token())
    await _record(session, principal, AuditAction.LEAD_FORM_TOKEN_ROTATED, form_id, {})
    return await get_lead_form(session, principal, form_id, base)


async def delete_lead_form(session: Session, principal: Principal, form_id: int) -> None:
    """With what was sent through it; the leads stay. Raises NotFoundError."""
    row = await _found(session, principal, form_id, lock=True)
    await _record(session, principal, AuditAction.LEAD_FORM_DELETED, form_id, {"name": row["name"]})
    await queries.delete(session, principal.organization_id, form_id)


async def list_submissions(session: Session, principal: Principal, form_id: int, wanted: ListRequest) -> dict[str, Any]:
    """`{submissions, total_count}`, newest first. Raises NotFoundError."""
    await _found(session, principal, form_id)
    source = queries.submissions_of(form_id)
    return await read_list(session, principal.organization_id, source, wanted, _present_submission)


def present(row: Record, base: str) -> dict[str, Any]:
    """The form as answers have it. `base` is the public URL."""
    kept = {name: row[name] for name in queries.DEFINED if name not in {"fields", "workflow_id"}}
    workflow_id, url = row["workflow_id"], f"{base.rstrip('/')}/public/lead_forms/{row['token']}"
    return {
        "id": row["id"],
        **kept,
        "fields": orjson.loads(row["fields"]),
        "enroll": None if workflow_id is None else {"workflow_id": workflow_id},
        "token": row["token"],
        "url": url,
        "embed_url": f"{url}/embed",
        "submission_count": row["submission_count"],
        "refused_count": row["refused_count"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


def _present_submission(row: Record) -> dict[str, Any]:
    names = (
        "lead_public_id",
        "created_lead",
        "consent_text",
        "address",
        "workflow_id",
        "enrollment_id",
        "not_enrolled",
    )
    return {
        "id": row["id"],
        "lead_id": str(row["lead_id"]),
        **{name: row[name] for name in names},
        "fields": orjson.loads(row["data"]),
        "created_at": isoformat(row["created_at"]),
    }


async def _record(
    session: Session, principal: Principal, action: AuditAction, form_id: int, details: dict[str, Any]
) -> None:
    """Anybody who has a form's address can add to the organization's leads."""
    await audit.record(session, principal, action, ("lead_form", form_id), details)


async def _found(session: Session, principal: Principal, form_id: int, *, lock: bool = False) -> Record:
    row = await queries.by_id(session, principal.organization_id, form_id, lock=lock)
    if row is None:
        raise not_found(RESOURCE)
    return row


async def _check(session: Session, principal: Principal, data: LeadFormFields) -> None:
    organization_id = principal.organization_id
    custom = await definitions_of(session, RecordType.LEAD, organization_id)
    problem = check_fields(data.fields, custom)
    if problem is not None:
        raise InvalidLeadFormError(*problem)
    if data.enroll is not None:
        await require_workflow(session, principal, data.enroll.workflow_id)
        if not any(field.name == "email" for field in data.fields):
            raise InvalidLeadFormError("enroll", "Enrolling needs the field email in the form.")
    if data.owner_id is not None and not await crm_queries.is_member(session, organization_id, data.owner_id):
        raise not_found("user")


def _values(data: LeadFormFields) -> dict[str, Any]:
    values = data.model_dump(mode="json", exclude={"fields", "enroll"})
    fields = [field.model_dump(mode="json") for field in data.fields]
    return {
        **values,
        "tags": list(dict.fromkeys(data.tags)),
        "fields": dump_json(fields),
        "workflow_id": None if data.enroll is None else data.enroll.workflow_id,
    }


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)
