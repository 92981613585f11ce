"""What tags do. A tag is what records have; it has no row of its own.

A change of few records is made in the transaction of the call; one of many by the scheduler, in portions, each of which
commits with what it did, so that a process that dies loses and repeats nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from drippulse.crm.bulk.queries import locked
from drippulse.crm.bulk.writing import Outcome, write
from drippulse.crm.changes.service import SOURCES, OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.lists import Wanted
from drippulse.crm.queries import LIVE
from drippulse.crm.tables import RecordType
from drippulse.crm.tags import queries
from drippulse.crm.tags.errors import TagBusyError
from drippulse.events.service import Actor, SystemActor
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.lists import read_list

AT_ONCE = 10_000
"""A tag of more records is changed in the background."""
PORTION = 2_000


async def list_tags(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    """`{tags, total_count}`."""
    await queries.fold(session, actor.organization_id)
    return await read_list(session, actor.organization_id, queries.LIST, wanted, present)


async def rename_tag(session: Session, actor: Actor, name: str, new_name: str) -> dict[str, Any]:
    """`TagChanged`. Records that have both names keep one. Raises NotFoundError, TagBusyError."""
    merged = new_name != name and await queries.exists(session, actor.organization_id, new_name)
    return {"name": new_name, "merged": merged, **await _change(session, actor, name, new_name)}


async def delete_tag(session: Session, actor: Actor, name: str) -> dict[str, Any]:
    """`TagChanged`: no live record has it any more. Raises NotFoundError, TagBusyError."""
    return {"name": name, "merged": False, **await _change(session, actor, name, None)}


async def change_tags(database: Database) -> bool:
    """A chore: work on one portion of the oldest change; whether there was any."""
    async with database.session(Role.ENGINE) as session:
        organization_id = await queries.waiting(session)
    if organization_id is None:
        return False
    async with database.tenant(organization_id) as session:
        row = await queries.claim(session, organization_id)
        if row is None:
            return False
        actor = SystemActor(organization_id, row["actor_type"], row["actor_id"])
        changeset = _changeset(actor, row["name"], row["new_name"])
        changeset.id = row["changeset_id"]
        ids = await _ids(session, row["name"], PORTION)
        updated = await _retag(session, actor, changeset, ids, row["name"], row["new_name"])
        if ids:
            await queries.advance(session, organization_id, row["changeset_id"], updated)
        else:
            await queries.finish(session, organization_id, row["changeset_id"])
    return True


def present(row: Record) -> dict[str, Any]:
    """The tag as every edge answers it."""
    counts = orjson.loads(row["counts"])
    change = None
    if row["changeset_id"] is not None:
        action = "delete" if row["new_name"] is None else "rename"
        change = {"action": action, **{name: row[name] for name in ("new_name", "changeset_id", "updated")}}
    return {
        "name": row["name"],
        "counts": {kind.value: counts.get(kind.value, 0) for kind in RecordType},
        "record_count": row["record_count"],
        "change": change,
    }


async def _change(session: Session, actor: Actor, name: str, new_name: str | None) -> dict[str, Any]:
    organization_id = actor.organization_id
    await queries.alone(session, organization_id)
    busy = await queries.busy(session, organization_id, [name, new_name or name])
    ids = await _ids(session, name, AT_ONCE + 1)
    if not ids:
        raise not_found("tag")
    if busy is not None:
        raise TagBusyError(busy)
    changeset = _changeset(actor, name, new_name)
    if name == new_name:
        return {"status": "completed", "updated": 0, "changeset_id": None}
    if sum(len(found) for found in ids.values()) > AT_ONCE:
        number = await changeset.number(session)
        await queries.begin(session, organization_id, number, name, new_name, actor.actor_type, actor.actor_id)
        return {"status": "running", "updated": 0, "changeset_id": number}
    updated = await _retag(session, actor, changeset, ids, name, new_name)
    return {"status": "completed", "updated": updated, "changeset_id": changeset.id}


async def _ids(session: Session, name: str, most: int) -> dict[RecordType, list[UUID]]:
    """Up to `most` records that have the tag, of all types together; without types that have none."""
    found: dict[RecordType, list[UUID]] = {}
    for kind in RecordType:
        left = most - sum(len(ids) for ids in found.values())
        ids = await queries.ids_with(session, kind, name, left) if left else []
        if ids:
            found[kind] = sorted(ids)
    return found


async def _retag(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    found: dict[RecordType, list[UUID]],
    name: str,
    new_name: str | None,
) -> int:
    outcome = Outcome()
    for kind, ids in found.items():
        wanted = Wanted(f"{LIVE} AND $2 = ANY (r.tags)", [actor.organization_id, name])
        for start in range(0, len(ids), PORTION):
            rows = await locked(session, kind, wanted, ids[start : start + PORTION])
            await write(
                session,
                actor,
                changeset,
                kind,
                rows,
                lambda row: {"tags": replaced(row["tags"], name, new_name)},
                outcome,
            )
    return outcome.changed


def replaced(tags: Sequence[str], name: str, new_name: str | None) -> list[str]:
    """The tags with one of them renamed or gone, each once, in their order."""
    renamed = (new_name if tag == name else tag for tag in tags)
    return list(dict.fromkeys(tag for tag in renamed if tag is not None))


def _changeset(actor: Actor, name: str, new_name: str | None) -> OpenChangeset:
    label = f'Tag "{name}" deleted' if new_name is None else f'Tag "{name}" renamed to "{new_name}"'
    return OpenChangeset(SOURCES.get(actor.actor_type, Source.API), label=label)
