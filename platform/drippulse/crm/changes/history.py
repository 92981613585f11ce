"""Reading the history: change events and changesets as answers have them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from drippulse.crm.changes import queries
from drippulse.crm.changes.reverting import shown
from drippulse.crm.changes.state import at_creation
from drippulse.crm.changes.tables import ChangeAction
from drippulse.crm.presentation import present
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest, listed


async def change_events(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    """`{change_events, total_count}`, newest first."""
    rows, total = await queries.page(session, actor.organization_id, "change_event", wanted, queries.EVENT_COLUMNS)
    created = await _creations(session, actor.organization_id, rows)
    return listed("change_events", rows, wanted.page, lambda row: _event(row, created), total)


async def changesets(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    """`{changesets, total_count}`, newest first."""
    rows, total = await queries.page(session, actor.organization_id, "changeset", wanted, queries.CHANGESET_COLUMNS)
    return listed("changesets", rows, wanted.page, _changeset, total)


async def changeset(session: Session, actor: Actor, changeset_id: int) -> dict[str, Any]:
    """One with its counts and how far its undoing is. Raises NotFoundError."""
    row = await queries.changeset(session, actor.organization_id, changeset_id)
    if row is None:
        raise not_found("changeset")
    counts = await queries.counts(session, actor.organization_id, changeset_id)
    revert = await queries.revert_of(session, actor.organization_id, changeset_id)
    return {**_changeset(row), "counts": counts, "revert": None if revert is None else _revert(revert)}


async def _creations(session: Session, organization_id: int, rows: Sequence[Record]) -> dict[int, dict[str, Any]]:
    """Event id -> the record as it was created, of creations that keep no copy (imports)."""
    bare = [row for row in rows if row["action"] == ChangeAction.CREATE and row["after"] is None]
    if not bare:
        return {}
    ids = [row["record_id"] for row in bare]
    later: dict[UUID, list[tuple[int, Any]]] = defaultdict(list)
    for change in await queries.later_befores(session, organization_id, ids):
        later[change["record_id"]].append((change["id"], orjson.loads(change["before"] or "{}")))
    current: dict[UUID, dict[str, Any]] = {}
    for kind in {row["record_type"] for row in bare}:
        found = await queries.records(session, RecordType(kind), organization_id, ids)
        current.update((record_id, present(RecordType(kind), record)) for record_id, record in found.items())
    return {
        row["id"]: at_creation(
            current[row["record_id"]], [before for number, before in later[row["record_id"]] if number > row["id"]]
        )
        for row in bare
        if row["record_id"] in current
    }


def _event(row: Record, created: dict[int, dict[str, Any]]) -> dict[str, Any]:
    before, after = _json(row["before"]), created.get(row["id"], _json(row["after"]))
    return {
        "id": row["id"],
        "changeset_id": row["changeset_id"],
        "record_type": row["record_type"],
        "record_id": str(row["record_id"]),
        "record_public_id": row["record_public_id"],
        "action": row["action"],
        "actor": _actor(row),
        "changed_fields": sorted({*(before or {}), *(after or {})}),
        "before": before,
        "after": after,
        "at": isoformat(row["created_at"]),
    }


def _changeset(row: Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "source": row["source"],
        "label": row["label"],
        "actor": _actor(row),
        "reverts_id": row["reverts_id"],
        "reverted_at": isoformat_or_none(row["reverted_at"]),
        "at": isoformat(row["created_at"]),
    }


def _revert(row: Record) -> dict[str, Any]:
    counts, conflicts = orjson.loads(row["counts"]), orjson.loads(row["conflicts"])
    return shown(row["changeset_id"], row["reverting_id"], row["status"], counts, conflicts)


def _actor(row: Record) -> dict[str, Any]:
    return {"type": row["actor_type"], "id": row["actor_id"], "name": row["actor_name"]}


def _json(text: str | None) -> dict[str, Any] | None:
    return None if text is None else orjson.loads(text)
