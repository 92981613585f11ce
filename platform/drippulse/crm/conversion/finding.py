"""What a lead meets when it is converted: the owner of what is new, the contact and the account that are there."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from drippulse.crm import queries as records
from drippulse.crm import service as crm
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.conversion import queries
from drippulse.crm.conversion.schemas import LeadConversion
from drippulse.crm.custom_fields.service import definitions_of
from drippulse.crm.custom_fields.state import check_values
from drippulse.crm.merging import aliases
from drippulse.crm.schemas import AccountFields, RecordFields
from drippulse.crm.state import columns
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, not_found
from drippulse.kit.locks import lock_number
from drippulse.kit.validation import parse

ACCOUNT, CONTACT = RecordType.ACCOUNT, RecordType.CONTACT
M = TypeVar("M", bound=RecordFields)


@dataclass(slots=True)
class Conversion:
    """One conversion under way: of which lead, by whom, and what is new."""

    actor: Actor
    lead: Record
    wanted: LeadConversion
    changeset: OpenChangeset
    owner_id: int | None
    domain: str | None
    created: list[RecordType] = field(default_factory=list[RecordType])


async def owner_of(session: Session, actor: Actor, wanted: LeadConversion, lead: Record) -> int | None:
    """Of what is new. A lead's owner who has left the organization gets nothing."""
    owner_id = wanted.owner_id or lead["owner_id"]
    if owner_id is None or await records.is_member(session, actor.organization_id, owner_id):
        return owner_id
    if wanted.owner_id is not None:
        raise not_found("user")
    return None


async def known_contact(session: Session, one: Conversion) -> Record | None:
    """The one that is named, else the lead's own, else the one with the external id or the address."""
    actor, wanted, lead = one.actor, one.wanted, one.lead
    organization_id, known = actor.organization_id, None
    if wanted.contact_id is not None:
        return await crm.get_record(session, actor, CONTACT, wanted.contact_id)
    with below("contact"):
        sent = columns(wanted.contact, only_sent=True)
    if sent.get("external_id") is not None:
        known = await records.by_external(
            session, CONTACT, organization_id, sent["external_system"], sent["external_id"]
        )
    elif "email" not in sent and lead["contact_id"] is not None:
        own = str(lead["contact_id"])
        known = await records.by_ref(session, CONTACT, organization_id, own) or await aliases.survivor_of(
            session, CONTACT, organization_id, own
        )
    email_key = sent["email_key"] if "email" in sent else lead["email_key"]
    if known is None and email_key is not None:
        known = await records.by_email_key(session, CONTACT, organization_id, email_key) or await aliases.by_email_key(
            session, CONTACT, organization_id, email_key
        )
    return known


async def known_account(session: Session, actor: Actor, fields: AccountFields) -> Record | None:
    """Two conversions at once that mean the same new account wait for each other here."""
    organization_id = actor.organization_id
    if fields.external_system is not None and fields.external_id is not None:
        known = await records.by_external(session, ACCOUNT, organization_id, fields.external_system, fields.external_id)
        if known is not None:
            return known
    keys = await queries.keys_of(session, fields.name, fields.domain, fields.website)
    names = [f"account\0{organization_id}\0{name}\0{key}" for name, key in keys.items() if key is not None]
    await queries.lock(session, [lock_number(name) for name in names])
    domain_key, name_key = keys["domain_key"], keys["name_key"]
    found = None if domain_key is None else await queries.account_by_domain(session, organization_id, domain_key)
    if found is None and name_key is not None:
        found = await queries.account_by_name(session, organization_id, name_key, domain_key)
    return found


async def shared_custom_fields(session: Session, one: Conversion) -> dict[str, Any]:
    """Values of the lead that fit a custom field of contacts with the same key."""
    own: Mapping[str, Any] = orjson.loads(one.lead["custom_fields"])
    if not own:
        return {}
    definitions = await definitions_of(session, CONTACT, one.actor.organization_id)
    known = {key: value for key, value in own.items() if key in definitions}
    _, errors = check_values(definitions, known, creating=False)
    return {key: value for key, value in known.items() if f"custom_fields.{key}" not in errors}


@contextmanager
def below(place: str) -> Generator[None]:
    """Errors of a part name their fields below it, such as `account.name`."""
    try:
        yield
    except DomainError as error:
        if error.errors:
            message = next(iter(error.errors))
            error.errors = {f"{place}.{name}": sentences for name, sentences in error.errors.items()}
            if error.message.startswith(f"{message}: "):
                error.message = f"{place}.{error.message}"
        raise


def parsed(place: str, model: type[M], values: dict[str, Any]) -> M:
    with below(place):
        return parse(model, values)
