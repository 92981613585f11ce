"""Whom a simulation is for: given contacts, runs that there are, contacts of the CRM."""

from typing import Any

from drippulse.enrollments.contacts import read_batch, read_timezone
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.simulation import queries
from drippulse.workflows.simulation.errors import NoContactsError, TooManyContactsError
from drippulse.workflows.simulation.job import JobContacts
from drippulse.workflows.simulation.schemas import MAX_CONTACTS, SimulationRequest, Source
from drippulse.workflows.wall_clock import zone


def given(request: SimulationRequest) -> tuple[JobContacts, list[str]]:
    """The contacts of the body, read as a bulk enrollment reads them, and their addresses.

    Raises:
        TooManyContactsError: more than one simulation takes.
        ContactsEmptyError, NoEnrollmentsCreatedError, InvalidTimezoneError: as for a bulk enrollment.
    """
    contacts: list[Any] = request.contacts or []
    if len(contacts) > MAX_CONTACTS:
        raise TooManyContactsError(len(contacts), MAX_CONTACTS)
    batch = read_batch({"contacts": contacts, "timezone": request.timezone}, may_hold_nul=False)
    rows = batch.rows
    numbers = [index + 1 for index in rows.indexes]
    columns = JobContacts(
        enrollment_ids=numbers, timezones=rows.timezones, bags=rows.bags, invalid_rows=len(batch.invalid)
    )
    return columns, rows.emails


async def stored(
    session: Session, organization_id: int, workflow_id: int, source: Source, timezone: str | None
) -> tuple[JobContacts, list[str]]:
    """The contacts of a source, and their addresses. Raises NoContactsError when there are none."""
    default = read_timezone(timezone)
    if source.enrollments is not None:
        wanted = source.enrollments
        rows = await queries.enrolled(session, organization_id, workflow_id, wanted.status, wanted.limit)
        ids = [int(row["id"]) for row in rows]
        empty = "This workflow has no runs of this kind; send `contacts`, or take another status."
    else:
        people = source.contacts
        rows = await queries.people(session, organization_id, people and people.tag, people.limit if people else 0)
        ids = list(range(1, len(rows) + 1))
        empty = "There are no such contacts in the CRM; send `contacts`."
    if not rows:
        raise NoContactsError(empty, errors={"source": [empty]})
    timezones = [_zone(row, default) for row in rows]
    columns = JobContacts(enrollment_ids=ids, timezones=timezones, bags=[row["bag"] for row in rows])
    return columns, [row["email"] or "" for row in rows]


def _zone(row: Record, default: str) -> str:
    try:
        return zone(row["timezone"]).key if row["timezone"] else default
    except UnknownTimezoneError:
        return default


async def suppressed(session: Session, organization_id: int, addresses: list[str]) -> list[str]:
    """Which of these addresses get no mail, as `same_mailbox_key`."""
    keys = sorted({same_mailbox_key(address) for address in addresses if address})
    return await queries.suppressed(session, organization_id, keys)
