"""Undoing changes of a single reference, which merges make by the thousand, with a few statements for all of them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from drippulse.crm import queries as records
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import ChangeAction
from drippulse.crm.merging.moving import POINTERS, Pointer, repoint
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session

TARGETS: Mapping[Pointer, RecordType] = {one: target for target, pointers in POINTERS.items() for one in pointers}
Move = tuple[Pointer, str, str | None]


async def point_back(
    session: Session, actor: Actor, own: OpenChangeset, kind: RecordType, events: Sequence[Record]
) -> tuple[int, Sequence[Record]]:
    """Undo those changes of records of `kind` that changed one reference, which is still so; how many, and the events
    that are left: all others."""
    moves = _moves(kind, events)
    done: set[UUID] = set()
    for (pointer, now, was), ids in moves.items():
        organization_id = actor.organization_id
        if was is not None and await records.id_of(session, TARGETS[pointer], organization_id, was) is None:
            continue
        same = await _as_left(session, organization_id, pointer, ids, UUID(now))
        await repoint(session, actor, own, pointer, same, None if was is None else UUID(was), by="id")
        done.update(same)
    return len(done), [event for event in events if event["record_id"] not in done]


def _moves(kind: RecordType, events: Sequence[Record]) -> Mapping[Move, list[UUID]]:
    """(pointer, where it points now, where it pointed before) -> records that have no other change among these."""
    times = Counter(event["record_id"] for event in events)
    found: defaultdict[Move, list[UUID]] = defaultdict(list)
    for event in events:
        if event["action"] != ChangeAction.UPDATE or times[event["record_id"]] > 1:
            continue
        before: dict[str, Any] = orjson.loads(event["before"] or "{}")
        after: dict[str, Any] = orjson.loads(event["after"] or "{}")
        pointer = Pointer(kind, next(iter(after), ""))
        if len(after) == 1 and after.keys() == before.keys() and pointer in TARGETS and after[pointer.column]:
            found[pointer, after[pointer.column], before[pointer.column]].append(event["record_id"])
    return found


async def _as_left(
    session: Session, organization_id: int, pointer: Pointer, ids: Sequence[UUID], now: UUID
) -> list[UUID]:
    """Those that are live and point there; nobody changes them before this transaction ends."""
    rows = await session.fetch(
        f"""SELECT r.id FROM {pointer.kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
            AND r.id = ANY ($2::uuid[]) AND r.{pointer.column} = $3 ORDER BY r.id FOR NO KEY UPDATE""",
        organization_id,
        ids,
        now,
    )
    return [row["id"] for row in rows]
