"""What calls that concern many records do: at most 10,000, a few statements for each 2,000, one changeset."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from drippulse.crm import bulk_reporting, list_queries, lists
from drippulse.crm import queries as records
from drippulse.crm.bulk import queries
from drippulse.crm.bulk.errors import EmptyFilterError, TooManyRecordsError, TooManyTagsError
from drippulse.crm.bulk.schemas import MOST, MOST_TAGS
from drippulse.crm.bulk.writing import Change, Outcome, write
from drippulse.crm.changes.service import SOURCES, OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.custom_fields.service import check_custom_fields
from drippulse.crm.lists import Wanted
from drippulse.crm.pipelines import placing
from drippulse.crm.queries import LIVE
from drippulse.crm.records import SPECS
from drippulse.crm.references import resolve
from drippulse.crm.schemas import RecordFields
from drippulse.crm.state import changed_columns, columns
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.ids import uuid_or_none
from drippulse.kit.json import dump_json
from drippulse.kit.pagination import ListRequest

PORTION = 2_000
MOST_COUNTED = 1_000_000
ADD, REMOVE = "add_tags", "remove_tags"

Ended = Callable[[Session, Actor, RecordType, Sequence[Record]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records of a call, in the order of their ids; `names` is how the caller called them."""

    ids: list[UUID]
    wanted: Wanted
    names: dict[UUID, str]
    unknown: list[str]


async def update_records(
    session: Session, actor: Actor, kind: RecordType, which: Sequence[str] | ListRequest, changes: RecordFields
) -> dict[str, Any]:
    """Change what was sent of each, as a single update does.

    `which`: UUIDs and public ids, or conditions. The answer is `BulkUpdated`.

    Raises:
        EmptyFilterError, TooManyRecordsError: of conditions.
        NotFoundError: something that `changes` refer to is unknown or foreign.
        ValidationError: a custom field.
    """
    values = columns(changes, only_sent=True)
    tagging = {name: values.pop(name, []) for name in (ADD, REMOVE)}
    await resolve(session, kind, actor.organization_id, values)
    if "custom_fields" in values:
        sent = orjson.loads(values["custom_fields"])
        values["custom_fields"] = dump_json(
            await check_custom_fields(session, kind, actor.organization_id, sent, creating=False)
        )
    chosen = await _choose(session, actor, kind, which)
    changeset, outcome = _changeset(actor, kind, "Update"), Outcome()
    async for rows in _portions(session, kind, chosen, outcome):
        change = await _change(session, actor, kind, values, tagging, rows)
        await write(session, actor, changeset, kind, rows, change, outcome)
    return {"updated": outcome.changed, "unchanged": outcome.unchanged, **_told(kind, chosen, outcome, changeset)}


async def assign_records(
    session: Session, actor: Actor, kind: RecordType, which: Sequence[str] | ListRequest, owner_id: int | None
) -> dict[str, Any]:
    """Give all of them to this member, or to nobody. Answer and errors as of `update_records`."""
    return await update_records(session, actor, kind, which, SPECS[kind].changes(owner_id=owner_id))


async def delete_records(
    session: Session,
    actor: Actor,
    kind: RecordType,
    which: Sequence[str] | ListRequest,
    ended: Ended | None = None,
) -> dict[str, Any]:
    """Delete each; `ended` is told the rows that are gone. The answer is `BulkDeleted`.

    Raises EmptyFilterError and TooManyRecordsError.
    """
    chosen = await _choose(session, actor, kind, which)
    changeset, outcome = _changeset(actor, kind, "Deletion"), Outcome()
    async for rows in _portions(session, kind, chosen, outcome):
        gone = await queries.soft_delete(session, kind, actor.organization_id, [row["id"] for row in rows])
        await bulk_reporting.deleted(session, actor, changeset, kind, gone)
        if ended is not None:
            await ended(session, actor, kind, gone)
        outcome.changed += len(gone)
    return {"deleted": outcome.changed, **_told(kind, chosen, outcome, changeset)}


async def _choose(session: Session, actor: Actor, kind: RecordType, which: Sequence[str] | ListRequest) -> Chosen:
    if not isinstance(which, ListRequest):
        named, unknown = _named(await records.ids_of(session, kind, actor.organization_id, which), which)
        return Chosen(sorted(named), Wanted(LIVE, [actor.organization_id]), named, unknown)
    if not which.filters and not (which.q or "").strip():
        raise EmptyFilterError(SPECS[kind].plural)
    wanted = await lists.matching(session, actor, kind, which)
    ids = await queries.ids_where(session, kind, wanted, MOST + 1)
    if len(ids) > MOST:
        total = await list_queries.count(session, kind, wanted.condition, wanted.args, MOST_COUNTED)
        raise TooManyRecordsError(SPECS[kind].plural, total.count, MOST, is_lower_bound=total.is_lower_bound)
    return Chosen(sorted(ids), wanted, {}, [])


def _named(known: Mapping[str, UUID], refs: Sequence[str]) -> tuple[dict[UUID, str], list[str]]:
    """Id -> how it was first called, and the refs that nobody has."""
    named: dict[UUID, str] = {}
    unknown: list[str] = []
    for ref in dict.fromkeys(refs):
        found = known.get(str(uuid_or_none(ref))) or known.get(ref)
        if found is None:
            unknown.append(ref)
        else:
            named.setdefault(found, ref)
    return named, unknown


async def _portions(
    session: Session, kind: RecordType, chosen: Chosen, outcome: Outcome
) -> AsyncGenerator[list[Record]]:
    """The records, locked. Those that were named and are gone meanwhile have failed; those that a filter does not find
    any more are left out."""
    outcome.failed += [(ref, not_found(kind.value)) for ref in chosen.unknown]
    for start in range(0, len(chosen.ids), PORTION):
        ids = chosen.ids[start : start + PORTION]
        rows = await queries.locked(session, kind, chosen.wanted, ids)
        there = {row["id"] for row in rows}
        outcome.failed += [(one, not_found(kind.value)) for one in ids if one in chosen.names and one not in there]
        if rows:
            yield rows


async def _change(
    session: Session,
    actor: Actor,
    kind: RecordType,
    values: dict[str, Any],
    tagging: dict[str, list[str]],
    rows: Sequence[Record],
) -> Change:
    """What the call makes of each of these rows."""
    moves: dict[UUID, dict[str, Any]] = {}
    if kind is RecordType.OPPORTUNITY and values.keys() & placing.PLACING:
        moves = await placing.places(session, actor, values, rows)

    def change(row: Record) -> dict[str, Any]:
        own = {**values, **moves.get(row["id"], {})}
        if tagging[ADD] or tagging[REMOVE]:
            own["tags"] = retagged(row["tags"], tagging[ADD], tagging[REMOVE])
        return changed_columns(row, own, merge=False)

    return change


def retagged(tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """The tags without some and with others, each once, in their order. Raises TooManyTagsError."""
    kept = list(dict.fromkeys([*(tag for tag in tags if tag not in remove), *add]))
    if len(kept) > MOST_TAGS:
        raise TooManyTagsError(MOST_TAGS)
    return kept


def _changeset(actor: Actor, kind: RecordType, what: str) -> OpenChangeset:
    return OpenChangeset(SOURCES.get(actor.actor_type, Source.API), label=f"{what} of many {SPECS[kind].plural}")


def _told(kind: RecordType, chosen: Chosen, outcome: Outcome, changeset: OpenChangeset) -> dict[str, Any]:
    failed = [
        {
            "id": chosen.names.get(one, str(one)) if isinstance(one, UUID) else one,
            "error": error.error_code,
            "message": error.message,
        }
        for one, error in outcome.failed
    ]
    return {"failed": failed, "changeset_id": changeset.id if outcome.changed else None}
