"""What CRM records do: create, change, upsert, delete, each with its event.

Works under the application's role and, for steps, under the engine's.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

from drippulse.crm import queries
from drippulse.crm.errors import NoIdentityError, RecordExistsError
from drippulse.crm.schemas import PersonFields
from drippulse.crm.state import changed_columns, columns, public_id
from drippulse.crm.tables import RecordType
from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.uuid7 import uuid7

UNIQUE_NAMES = {"email": "e-mail address", "external": "external id"}


@dataclass(frozen=True, slots=True)
class Upserted:
    """The record, and whether it is new."""

    row: Record
    created: bool


async def create_record(session: Session, actor: Actor, kind: RecordType, fields: PersonFields) -> Record:
    """Raises InvalidEmailError, and RecordExistsError when another has the address or the external id."""
    row = await _insert(session, actor, kind, columns(fields, only_sent=False))
    if row is None:
        raise RecordExistsError(kind.value, "e-mail address or external id")
    return row


async def get_record(session: Session, actor: Actor, kind: RecordType, record: str) -> Record:
    """By its public id. Raises NotFoundError for unknown, deleted and foreign ones alike."""
    row = await queries.by_public_id(session, kind, actor.organization_id, record)
    if row is None:
        raise not_found(kind.value)
    return row


async def list_records(
    session: Session, actor: Actor, kind: RecordType, *, q: str | None = None, limit: int, offset: int
) -> tuple[list[Record], int]:
    """A page, newest first, and how many there are in all."""
    organization_id = actor.organization_id
    rows = await queries.page(session, kind, organization_id, q=q, limit=limit, offset=offset)
    return rows, await queries.count(session, kind, organization_id, q=q)


async def update_record(session: Session, actor: Actor, kind: RecordType, record: str, fields: PersonFields) -> Record:
    """Change what was sent. Raises NotFoundError, InvalidEmailError, RecordExistsError."""
    row = await get_record(session, actor, kind, record)
    return await _update(session, actor, kind, row, columns(fields, only_sent=True))


async def patch_record(session: Session, actor: Actor, kind: RecordType, row: Record, fields: PersonFields) -> Record:
    """Change what was sent of a record that was found; attributes are merged instead of replaced."""
    return await _update(session, actor, kind, row, columns(fields, only_sent=True), merge=True)


async def upsert_record(
    session: Session, actor: Actor, kind: RecordType, fields: PersonFields, *, record: str | None = None
) -> Upserted:
    """Find by public id, then by external id, then by address, and change what was sent; or create it.

    Raises:
        NotFoundError: a public id was given and there is none.
        NoIdentityError: nothing says who is meant.
    """
    values = columns(fields, only_sent=True)
    if record is None and values.get("external_id") is None and values.get("email") is None:
        raise NoIdentityError
    for _ in range(3):  # somebody else may create or delete it in between
        found = await _find(session, actor, kind, record, values)
        if found is not None:
            return Upserted(await _update(session, actor, kind, found, values), created=False)
        made = await _insert(session, actor, kind, columns(fields, only_sent=False))
        if made is not None:
            return Upserted(made, created=True)
    raise RecordExistsError(kind.value, "e-mail address or external id")


async def delete_record(session: Session, actor: Actor, kind: RecordType, record: str) -> None:
    """Soft. Raises NotFoundError."""
    row = await get_record(session, actor, kind, record)
    await queries.soft_delete(session, kind, actor.organization_id, row["id"])
    await _report(session, actor, kind, "deleted", row)


async def _find(
    session: Session, actor: Actor, kind: RecordType, record: str | None, values: dict[str, Any]
) -> Record | None:
    if record is not None:
        return await get_record(session, actor, kind, record)
    organization_id = actor.organization_id
    if values.get("external_id") is not None:
        system, external_id = values["external_system"], values["external_id"]
        row = await queries.by_external(session, kind, organization_id, system, external_id)
        if row is not None:
            return row
    if values.get("email") is None:
        return None
    return await queries.by_email_key(session, kind, organization_id, same_mailbox_key(values["email"]))


async def _insert(session: Session, actor: Actor, kind: RecordType, values: dict[str, Any]) -> Record | None:
    record_id = uuid7()
    identity = {"id": record_id, "public_id": public_id(kind, record_id)}
    row = await queries.insert(session, kind, actor.organization_id, {**identity, **values})
    if row is not None:
        await _report(session, actor, kind, "created", row)
    return row


async def _update(
    session: Session, actor: Actor, kind: RecordType, found: Record, values: dict[str, Any], *, merge: bool = False
) -> Record:
    row = await queries.locked(session, kind, actor.organization_id, found["id"])
    if row is None:
        raise not_found(kind.value)
    changes = changed_columns(row, values, merge=merge)
    if not changes:
        return row
    await session.execute("SAVEPOINT crm_update")
    try:
        changed = await queries.update(session, kind, actor.organization_id, row["id"], changes)
    except asyncpg.UniqueViolationError as error:
        await session.execute("ROLLBACK TO SAVEPOINT crm_update")
        constraint = str(error.constraint_name or "")
        raise RecordExistsError(kind.value, UNIQUE_NAMES.get(constraint.rpartition("_")[2], "value")) from None
    await session.execute("RELEASE SAVEPOINT crm_update")
    if changed is None:
        raise not_found(kind.value)
    names = sorted(name for name in changes if name != "email_key")
    await _report(session, actor, kind, "updated", changed, changed_fields=names)
    return changed


async def _report(session: Session, actor: Actor, kind: RecordType, what: str, row: Record, **more: Any) -> None:
    data = {"public_id": row["public_id"], "email": row["email"], **more}
    await events.append(session, f"{kind.value}.{what}", kind.value, str(row["id"]), actor, data)
