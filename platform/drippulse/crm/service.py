"""What CRM records do: create, change, upsert, delete, restore, each with its audit row and its event.

Works under the application's role and, for steps, under the engine's.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from drippulse.crm import queries, reporting
from drippulse.crm.changes.service import OpenChangeset, changeset_of
from drippulse.crm.custom_fields.service import check_custom_fields
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.merging import aliases
from drippulse.crm.merging.errors import RecordMergedError
from drippulse.crm.pipelines import placing
from drippulse.crm.references import resolve
from drippulse.crm.schemas import RecordFields
from drippulse.crm.state import changed_columns, columns, public_id
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.json import dump_json
from drippulse.kit.uuid7 import uuid7

UNIQUE_NAMES = {"email": "e-mail address", "external": "external id"}


async def create_record(
    session: Session, actor: Actor, kind: RecordType, fields: RecordFields, changeset: OpenChangeset | None = None
) -> Record:
    """Raises NotFoundError for what the fields refer to, InvalidEmailError, and RecordExistsError when another has the
    address or the external id."""
    row = await _insert(session, actor, kind, columns(fields, only_sent=False), changeset)
    if row is None:
        raise RecordExistsError(kind.value, "e-mail address or external id")
    return row


async def get_record(session: Session, actor: Actor, kind: RecordType, ref: str) -> Record:
    """By its UUID or public id. Raises NotFoundError for unknown, deleted and foreign ones alike; the one for a merged
    record says where it went."""
    row = await queries.by_ref(session, kind, actor.organization_id, ref)
    if row is None:
        raise await aliases.absent(session, kind, actor.organization_id, ref)
    return row


async def list_records(
    session: Session, actor: Actor, kind: RecordType, *, q: str | None = None, limit: int, offset: int
) -> tuple[list[Record], int]:
    """A page, newest first, and how many there are in all."""
    organization_id = actor.organization_id
    rows = await queries.page(session, kind, organization_id, q=q, limit=limit, offset=offset)
    return rows, await queries.count(session, kind, organization_id, q=q)


async def update_record(
    session: Session,
    actor: Actor,
    kind: RecordType,
    ref: str,
    fields: RecordFields,
    changeset: OpenChangeset | None = None,
) -> Record:
    """Change what was sent. Raises NotFoundError, InvalidEmailError, RecordExistsError."""
    row = await get_record(session, actor, kind, ref)
    return await change_columns(session, actor, kind, row, columns(fields, only_sent=True), changeset)


async def patch_record(
    session: Session,
    actor: Actor,
    kind: RecordType,
    row: Record,
    fields: RecordFields,
    changeset: OpenChangeset | None = None,
) -> Record:
    """Change what was sent of a record that was found; attributes are merged instead of replaced."""
    return await change_columns(session, actor, kind, row, columns(fields, only_sent=True), changeset, merge=True)


async def delete_record(
    session: Session, actor: Actor, kind: RecordType, ref: str, changeset: OpenChangeset | None = None
) -> Record:
    """Soft; the row as it was. Raises NotFoundError."""
    row = await get_record(session, actor, kind, ref)
    if not await queries.soft_delete(session, kind, actor.organization_id, row["id"]):
        raise not_found(kind.value)
    opened = changeset or changeset_of(session, actor)
    await reporting.deleted(session, actor, opened, kind, row)
    return row


async def restore_record(
    session: Session, actor: Actor, kind: RecordType, ref: str, changeset: OpenChangeset | None = None
) -> Record:
    """Bring a deleted record back. Raises NotFoundError, RecordMergedError when it was merged into another one, and
    RecordExistsError when another has its address or external id by now."""
    row = await queries.deleted_by_ref(session, kind, actor.organization_id, ref)
    if row is None:
        raise not_found(kind.value)
    if row["merged_into_id"] is not None:
        into = await aliases.survivor_of(session, kind, actor.organization_id, ref)
        raise RecordMergedError(kind.value, None if into is None else into["public_id"])
    restored = await revive(session, kind, actor.organization_id, row)
    await reporting.restored(session, actor, changeset or changeset_of(session, actor), kind, restored)
    return restored


async def revive(session: Session, kind: RecordType, organization_id: int, row: Record) -> Record:
    """A deleted record is live again; nobody hears of it. Raises RecordExistsError, and NotFoundError when it is live
    already."""
    try:
        async with session.savepoint():
            restored = await queries.restore(session, kind, organization_id, row["id"])
    except asyncpg.UniqueViolationError as error:
        raise _taken(kind, error) from None
    if restored is None:
        raise not_found(kind.value)
    return restored


async def change_columns(
    session: Session,
    actor: Actor,
    kind: RecordType,
    found: Record,
    values: dict[str, Any],
    changeset: OpenChangeset | None = None,
    *,
    merge: bool = False,
) -> Record:
    """Change a live record by columns, as `state.columns` gives them; the row as it is now.

    Raises NotFoundError when it is gone meanwhile or something it refers to is unknown, and RecordExistsError.
    """
    organization_id = actor.organization_id
    await resolve(session, kind, organization_id, values)  # in the order in which a merge locks: first what is meant
    row = await queries.locked(session, kind, organization_id, found["id"])
    if row is None:
        raise await aliases.absent(session, kind, organization_id, str(found["id"]))
    await _complete(session, actor, kind, values, row)
    changes = changed_columns(row, values, merge=merge)
    if not changes:
        return row
    changed = await _update(session, kind, organization_id, row, changes)
    await reporting.updated(session, actor, changeset or changeset_of(session, actor), kind, row, changed, changes)
    return changed


async def _complete(
    session: Session, actor: Actor, kind: RecordType, values: dict[str, Any], row: Record | None
) -> None:
    """Check custom fields, and place an opportunity. `row` None: it is created."""
    if row is None or "custom_fields" in values:
        sent = orjson.loads(values.get("custom_fields", "{}"))
        checked = await check_custom_fields(session, kind, actor.organization_id, sent, creating=row is None)
        kept = checked if row is not None else {key: value for key, value in checked.items() if value is not None}
        values["custom_fields"] = dump_json(kept)
    if kind is RecordType.OPPORTUNITY:
        await placing.place(session, actor, values, row)


async def _update(
    session: Session, kind: RecordType, organization_id: int, row: Record, changes: Mapping[str, Any]
) -> Record:
    try:
        async with session.savepoint():
            changed = await queries.update(session, kind, organization_id, row["id"], changes)
    except asyncpg.UniqueViolationError as error:
        raise _taken(kind, error) from None
    if changed is None:
        raise not_found(kind.value)
    return changed


def _taken(kind: RecordType, error: asyncpg.UniqueViolationError) -> RecordExistsError:
    constraint = str(error.constraint_name or "")
    return RecordExistsError(kind.value, UNIQUE_NAMES.get(constraint.rpartition("_")[2], "value"))


async def _insert(
    session: Session, actor: Actor, kind: RecordType, values: dict[str, Any], changeset: OpenChangeset | None
) -> Record | None:
    await resolve(session, kind, actor.organization_id, values)
    await _complete(session, actor, kind, values, None)
    record_id = uuid7()
    identity = {"id": record_id, "public_id": public_id(kind, record_id)}
    row = await queries.insert(session, kind, actor.organization_id, {**identity, **values})
    if row is not None:
        await reporting.created(session, actor, changeset or changeset_of(session, actor), kind, row)
    return row
