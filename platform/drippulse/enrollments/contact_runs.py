"""Enrolling stored contacts: one run under way for each workflow and contact, whoever asks at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.crm import queries as records
from drippulse.crm import service as crm
from drippulse.crm.bulk.service import Ended
from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_queries as queries
from drippulse.enrollments.contact_errors import (
    AlreadyEnrolledError,
    ContactInvalidEmailError,
    ContactSuppressedError,
    EntryRefusedError,
    TooManyContactIdsError,
)
from drippulse.enrollments.contact_queries import RunFilters
from drippulse.enrollments.contacts import Rows
from drippulse.enrollments.starting import StartStatus, start_enrollments
from drippulse.enrollments.wake import Waker
from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, not_found
from drippulse.kit.ids import is_id
from drippulse.kit.json import dump_json
from drippulse.kit.locks import lock_number
from drippulse.organizations.policy import Principal
from drippulse.workflows.service import shared_workflow

MOST_AT_ONCE = 100
PEOPLE = frozenset({RecordType.CONTACT, RecordType.LEAD})
"""Records that workflows run for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one contact (public id): an id, or the error that says why not."""

    contact: str
    enrollment_id: int | None = None
    error: DomainError | None = None


async def enroll_contacts(
    session: Session,
    principal: Principal,
    waker: Waker,
    workflow_id: int,
    contacts: Sequence[str],
    variables: Mapping[str, Any],
) -> list[Outcome]:
    """Start a run for each contact (public ids, at most 100); outcomes in their order.

    Templates see the contact's fields, `contact.attributes.…` and `vars.…`.

    Raises:
        NotFoundError: no such workflow.
        WorkflowArchivedError: it is archived.
        TooManyContactIdsError: none, or more than 100.
    """
    if not 1 <= len(contacts) <= MOST_AT_ONCE:
        raise TooManyContactIdsError(MOST_AT_ONCE)
    await shared_workflow(session, principal, workflow_id)
    organization_id = principal.organization_id
    await queries.lock(session, [_lock_number(organization_id, workflow_id, contact) for contact in contacts])
    found = await records.by_public_ids(session, RecordType.CONTACT, organization_id, list(contacts))
    refused = await _refused(session, organization_id, workflow_id, contacts, found)
    chosen = [place for place, error in enumerate(refused) if error is None]
    started = await start_enrollments(
        session, principal, workflow_id, _rows([found[contacts[place]] for place in chosen], variables)
    )
    outcomes = [Outcome(contact, error=error) for contact, error in zip(contacts, refused, strict=True)]
    for place, row in zip(chosen, started.rows, strict=True):
        enrolled = row.status is StartStatus.ENROLLED
        error = None if enrolled else EntryRefusedError(row.reason or "The workflow's re-entry rules refuse it.")
        outcomes[place] = Outcome(contacts[place], row.enrollment_id if enrolled else None, error)
    if started.ids:
        session.after_commit(waker.wake)
    return outcomes


async def public_ids(session: Session, organization_id: int, refs: Sequence[str]) -> list[str]:
    """Public ids of live contacts that are known by their UUID or public id, in their order; what is none stays."""
    found = await queries.public_ids(session, organization_id, refs)
    return [found.get(ref.lower(), ref) for ref in refs]


async def enroll_contact(
    session: Session, principal: Principal, waker: Waker, workflow_id: int, contact: str, variables: Mapping[str, Any]
) -> Record:
    """The new run. Raises what `Outcome.error` says, and NotFoundError for the workflow and the contact."""
    [outcome] = await enroll_contacts(session, principal, waker, workflow_id, [contact], variables)
    if outcome.error is not None or outcome.enrollment_id is None:
        raise outcome.error or not_found("contact")
    return await get_run(session, principal, outcome.enrollment_id)


async def get_run(session: Session, principal: Principal, enrollment_id: int) -> Record:
    """Raises NotFoundError."""
    row = await queries.run(session, principal.organization_id, enrollment_id) if is_id(enrollment_id) else None
    if row is None:
        raise not_found("enrollment")
    return row


async def list_runs(
    session: Session, principal: Principal, filters: RunFilters, *, limit: int, offset: int
) -> tuple[list[Record], int]:
    return await queries.runs(session, principal.organization_id, filters, limit=limit, offset=offset)


async def delete_person(session: Session, principal: Principal, kind: RecordType, ref: str) -> None:
    """Delete a contact or a lead (UUID or public id) and end what is under way for it. Raises NotFoundError."""
    row = await crm.delete_record(session, principal, kind, ref)
    await end_runs(session, principal, kind, [row])


async def delete_record(session: Session, principal: Principal, kind: RecordType, ref: str) -> None:
    """Delete any record (UUID or public id), and end what is under way for a person. Raises NotFoundError."""
    delete = delete_person if kind in PEOPLE else crm.delete_record
    await delete(session, principal, kind, ref)


def ending(kind: RecordType) -> Ended | None:
    """What is to happen when many records of this type are deleted; None for nothing beyond."""
    return end_runs if kind in PEOPLE else None


async def end_runs(session: Session, actor: Actor, kind: RecordType, rows: Sequence[Record]) -> None:
    """End what is under way for contacts or leads that are gone."""
    refs = [ref for row in rows for ref in (row["public_id"], str(row["id"]))]
    reason = f"{kind.value}_deleted"
    ended = await queries.cancel(session, actor.organization_id, refs, reason)
    data = [
        (int(run["id"]), {"workflow_id": run["workflow_id"], "lead_ref": run["lead_ref"], "reason": reason})
        for run in ended
    ]
    await events.append_many(session, "enrollment.cancelled", "enrollment", data, actor)


async def _refused(
    session: Session, organization_id: int, workflow_id: int, contacts: Sequence[str], found: Mapping[str, Record]
) -> list[DomainError | None]:
    """Why each contact cannot be enrolled; a second mention in one request counts as enrolled by the first."""
    live = await queries.live(session, organization_id, workflow_id, list(found))
    keys = [row["email_key"] for row in found.values() if row["email_key"]]
    suppressed = await queries.suppressed(session, organization_id, keys)
    taken, refused = set(live), list[DomainError | None]()
    for contact in contacts:
        row = found.get(contact)
        error: DomainError | None = None
        if row is None:
            error = not_found("contact")
        elif not row["email_key"]:
            error = ContactInvalidEmailError()
        elif row["email_key"] in suppressed:
            error = ContactSuppressedError()
        elif contact in taken:
            error = AlreadyEnrolledError()
        taken.add(contact)
        refused.append(error)
    return refused


def _rows(found: Sequence[Record], variables: Mapping[str, Any]) -> Rows:
    rows = Rows()
    for index, row in enumerate(found):
        rows.indexes.append(index)
        rows.lead_refs.append(row["public_id"])
        rows.emails.append(row["email"])
        rows.first_names.append(row["first_name"])
        rows.last_names.append(row["last_name"])
        rows.timezones.append(row["timezone"] or "UTC")
        rows.bags.append(dump_json(contact_bag(row, variables)))
    return rows


def contact_bag(row: Record, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What templates and conditions see: fields at the top level and under `contact` in either spelling."""
    attributes: dict[str, Any] = orjson.loads(row["attributes"])
    fields = {name: row[name] for name in ("email", "first_name", "last_name", "company", "phone")}
    names = {"firstName": row["first_name"], "lastName": row["last_name"]}
    name = f"{row['first_name']} {row['last_name']}".strip()
    contact = {**fields, **names, "name": name, "tags": list(row["tags"]), "attributes": attributes}
    return {**attributes, **fields, "lead_ref": row["public_id"], "contact": contact, "vars": dict(variables)}


def _lock_number(organization_id: int, workflow_id: int, contact: str) -> int:
    return lock_number(f"one live run\0{organization_id}\0{workflow_id}\0{contact}")
