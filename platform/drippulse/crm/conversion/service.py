"""Converting a lead: an account, a contact and an opportunity of it, found or made, in one changeset.

Locks are taken in the order that everything else takes them: runs, then what the lead becomes, then the lead.
"""

from typing import Any

from drippulse.crm import queries as records
from drippulse.crm import service as crm
from drippulse.crm.changes.service import changeset_of
from drippulse.crm.conversion import queries
from drippulse.crm.conversion.errors import LeadConvertedError, NamelessAccountError
from drippulse.crm.conversion.finding import (
    Conversion,
    below,
    known_account,
    known_contact,
    owner_of,
    parsed,
    shared_custom_fields,
)
from drippulse.crm.conversion.schemas import LeadConversion
from drippulse.crm.conversion.state import (
    CONVERTED,
    account_fields,
    completing,
    contact_fields,
    opportunity_fields,
)
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.merging.moving import Pointer, repoint
from drippulse.crm.merging.runs import MovedRuns, lock_runs, move_runs, refs_between
from drippulse.crm.presentation import present
from drippulse.crm.schemas import AccountFields, ContactFields, OpportunityFields, RecordFields
from drippulse.crm.state import columns
from drippulse.crm.tables import RecordType
from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.clock import utc_now
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import NotFoundError, not_found
from drippulse.kit.locks import lock_number

ACCOUNT, CONTACT, LEAD, OPPORTUNITY = RecordType.ACCOUNT, RecordType.CONTACT, RecordType.LEAD, RecordType.OPPORTUNITY
TRIES = 3


async def convert_lead(session: Session, actor: Actor, ref: str, wanted: LeadConversion) -> dict[str, Any]:
    """Convert a lead (UUID or public id), as `ConversionOut` has it.

    Raises:
        NotFoundError: the lead, or what the body refers to.
        LeadConvertedError: it was converted already.
        NamelessAccountError, InvalidEmailError, ValidationError, RecordExistsError: what is to be made is not right.
    """
    lead = await _open_lead(session, actor, ref)
    one = Conversion(
        actor,
        lead,
        wanted,
        changeset_of(session, actor),
        await owner_of(session, actor, wanted, lead),
        await queries.domain_of(session, lead["website"], lead["email_key"]),
    )
    contact = await known_contact(session, one)
    refs = refs_between(lead, contact or lead)
    await lock_runs(session, actor.organization_id, [*refs, *refs.values()])
    account = await _account(session, one, contact)
    contact = await _contact(session, one, contact, account)
    deal = await _opportunity(session, one, contact, account)
    activities, runs = await _move(session, one, contact, account)
    lead = await _mark(session, one, contact, account, deal)
    await _tell(session, one, lead)
    return {
        "lead": present(LEAD, lead),
        "account": None if account is None else present(ACCOUNT, account),
        "contact": present(CONTACT, contact),
        "opportunity": None if deal is None else present(OPPORTUNITY, deal),
        "created": one.created,
        "moved": {"activities": activities, "enrollments": runs.moved, "cancelled_enrollments": runs.cancelled},
        "changeset_id": await one.changeset.number(session),
    }


async def _open_lead(session: Session, actor: Actor, ref: str) -> Record:
    """The lead, which nobody else converts until this transaction ends."""
    found = await crm.get_record(session, actor, LEAD, ref)
    await queries.lock(session, [lock_number(f"convert lead\0{actor.organization_id}\0{found['id']}")])
    lead = await crm.get_record(session, actor, LEAD, ref)
    if lead["converted_at"] is not None:
        raise LeadConvertedError(lead)
    return lead


async def _account(session: Session, one: Conversion, contact: Record | None) -> Record | None:
    """The one that is named, else the contact's, else the one with the external id, domain or name, else a new one."""
    actor, wanted = one.actor, one.wanted
    if wanted.account_id is not None:
        return await crm.get_record(session, actor, ACCOUNT, wanted.account_id)
    if not wanted.wants_account:
        return None
    if wanted.account is None and contact is not None and contact["account_id"] is not None:
        own = await records.by_ref(session, ACCOUNT, actor.organization_id, str(contact["account_id"]))
        if own is not None:
            return own
    sent = {} if wanted.account is None else wanted.account.model_dump(exclude_unset=True)
    values = account_fields(one.lead, sent, one.domain, one.owner_id)
    if "name" not in values:
        if wanted.account is not None:
            raise NamelessAccountError
        return None
    fields = parsed("account", AccountFields, values)
    found = await known_account(session, actor, fields)
    if found is not None:
        return await _complete(session, one, ACCOUNT, found, fields)
    return await _create(session, one, ACCOUNT, fields)


async def _contact(session: Session, one: Conversion, found: Record | None, account: Record | None) -> Record:
    sent = one.wanted.contact.model_dump(exclude_unset=True)
    values = contact_fields(one.lead, sent, await shared_custom_fields(session, one), one.owner_id)
    fields = parsed("contact", ContactFields, values)
    fields.account_id = None if account is None else str(account["id"])
    for turn in range(1, TRIES + 1):  # somebody else may make one with this address, or merge it away, in between
        try:
            if found is not None:
                return await _complete(session, one, CONTACT, found, fields)
            return await _create(session, one, CONTACT, fields)
        except (RecordExistsError, NotFoundError):
            if turn == TRIES or one.wanted.contact_id is not None:
                raise
            found = await known_contact(session, one)
    raise not_found(CONTACT.value)


async def _opportunity(session: Session, one: Conversion, contact: Record, account: Record | None) -> Record | None:
    if not one.wanted.wants_opportunity:
        return None
    wanted = one.wanted.opportunity
    sent = {} if wanted is None else wanted.model_dump(exclude_unset=True)
    values = opportunity_fields(one.lead, sent, account, contact, one.owner_id)
    return await _create(session, one, OPPORTUNITY, parsed("opportunity", OpportunityFields, values))


async def _move(session: Session, one: Conversion, contact: Record, account: Record | None) -> tuple[int, MovedRuns]:
    """Activities stay the lead's and become the contact's and the account's too, where they have none; runs go over."""
    actor, lead = one.actor, one.lead
    changed = await repoint(
        session,
        actor,
        one.changeset,
        Pointer(RecordType.ACTIVITY, "contact_id"),
        [lead["id"]],
        contact["id"],
        by="lead_id",
    )
    if account is not None:
        pointer = Pointer(RecordType.ACTIVITY, "account_id")
        await repoint(session, actor, one.changeset, pointer, [lead["id"]], account["id"], by="lead_id")
    keys = [contact["email_key"]] if contact["email_key"] is not None else []
    refs = refs_between(lead, contact)
    return changed, await move_runs(session, actor, one.changeset, refs, reason="converted", email_keys=keys)


async def _mark(
    session: Session, one: Conversion, contact: Record, account: Record | None, deal: Record | None
) -> Record:
    values = {
        "status": CONVERTED,
        "contact_id": contact["id"],
        "converted_at": utc_now(),
        "converted_account_id": None if account is None else account["id"],
        "converted_contact_id": contact["id"],
        "converted_opportunity_id": None if deal is None else deal["id"],
    }
    return await crm.change_columns(session, one.actor, LEAD, one.lead, values, one.changeset)


async def _tell(session: Session, one: Conversion, lead: Record) -> None:
    if one.changeset.quiet:
        return
    names = ("converted_account_id", "converted_contact_id", "converted_opportunity_id")
    ids = {name.removeprefix("converted_"): lead[name] and str(lead[name]) for name in names}
    data = {"public_id": lead["public_id"], "email": lead["email"], **ids, "created": one.created}
    await events.append(session, "lead.converted", LEAD.value, str(lead["id"]), one.actor, data)


async def _create(session: Session, one: Conversion, kind: RecordType, fields: RecordFields) -> Record:
    with below(kind.value):
        row = await crm.create_record(session, one.actor, kind, fields, one.changeset)
    one.created.append(kind)
    return row


async def _complete(session: Session, one: Conversion, kind: RecordType, row: Record, fields: RecordFields) -> Record:
    """Fill what is empty of a record that was found."""
    values = completing(row, columns(fields, only_sent=True))
    email_key = values.get("email_key")
    if email_key is not None and await records.by_email_key(session, kind, one.actor.organization_id, email_key):
        values = {name: value for name, value in values.items() if name not in {"email", "email_key"}}
    with below(kind.value):
        return await crm.change_columns(session, one.actor, kind, row, values, one.changeset)
