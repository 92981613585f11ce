"""What duplicates do: groups over all records, those of one record, and putting suggestions away.

A call looks at so many keys at most, whatever there is: what is left over is behind the cursor.
"""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import Any, Final
from uuid import UUID

from drippulse.crm import queries as records
from drippulse.crm import service as crm
from drippulse.crm.duplicates import matching, queries
from drippulse.crm.duplicates.errors import ForeignReasonError, OneRecordError, UnnumberedPagesError
from drippulse.crm.duplicates.schemas import Dismissal
from drippulse.crm.duplicates.state import (
    LARGEST_KEY,
    MOST_MEMBERS,
    REASONS,
    Pair,
    Place,
    pair,
    read_place,
    score,
    shared,
    suggested,
    summary,
)
from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import NEWEST_FIRST, ListRequest
from drippulse.kit.pagination_cursors import encode_position

WINDOW: Final = 100_000
"""Records whose keys are looked at in one go."""
WINDOWS: Final = 5
GROUPS: Final = 200
"""Groups that are looked at in one go."""
MOST_ALIKE: Final = 50

Found = tuple[Place, dict[str, Any]]


async def groups(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    """As `DuplicateGroupList` has it. Raises ForeignReasonError, UnnumberedPagesError, ValidationError."""
    kind = RecordType(wanted.value("record_type") or RecordType.CONTACT)
    reasons = _reasons(kind, wanted.value("reason"))
    if wanted.page.page > 1:
        raise UnnumberedPagesError
    start = read_place(wanted.page.after, len(reasons))
    is_complete = await matching.catch_up(session, actor.organization_id, kind)
    limit = wanted.page.limit or MOST_ALIKE
    place: Place | None = start
    found: list[Found] = []
    for _ in range(WINDOWS):
        if place is None or len(found) > limit:
            break
        part, place = await _window(session, actor.organization_id, kind, reasons, place)
        found += part
    shown = found[:limit]
    if len(found) > limit:
        place = shown[-1][0]
    seen = start.seen + len(shown)
    return {
        "duplicates": [group for _, group in shown],
        "total_count": seen,
        "total_count_is_lower_bound": place is not None,
        "next_cursor": None if place is None else encode_position(NEWEST_FIRST, replace(place, seen=seen).position),
        "is_complete": is_complete,
    }


async def of_record(session: Session, actor: Actor, kind: RecordType, ref: str) -> dict[str, Any]:
    """What may be the same as a record (UUID or public id), as `DuplicatesOfRecord` has it. Raises NotFoundError."""
    record = await crm.get_record(session, actor, kind, ref)
    organization_id, record_id = actor.organization_id, record["id"]
    is_complete = await matching.catch_up(session, organization_id, kind)
    own = await matching.keys_of(session, organization_id, kind, record_id)
    keys = {reason: own[reason] for reason in REASONS[kind] if own is not None and own[reason] is not None}
    rows = await queries.alike(session, organization_id, kind, record_id, keys, MOST_ALIKE + 1) if keys else []
    dismissed = await queries.dismissed(session, organization_id, {record_id, *(row["id"] for row in rows)})
    records: dict[UUID, Record] = {}
    why: dict[UUID, list[Reason]] = defaultdict(list)
    for row in rows:
        if pair(record_id, row["id"]) not in dismissed:
            records[row["id"]] = row
            why[row["id"]].append(Reason(row["reason"]))
    best = sorted(records, key=lambda one: (-score(why[one]), one))
    return {
        "duplicates": [
            {"reasons": why[one], "score": score(why[one]), "record": summary(kind, records[one])}
            for one in best[:MOST_ALIKE]
        ],
        "total_count": min(len(best), MOST_ALIKE),
        "total_count_is_lower_bound": len(best) > MOST_ALIKE,
        "is_complete": is_complete,
    }


async def dismiss(session: Session, actor: Actor, wanted: Dismissal) -> dict[str, Any]:
    """Put pairs away, or take that back, as `DismissalOut` has it. Raises NotFoundError, OneRecordError."""
    kind = RecordType(wanted.record_type)
    known = await records.ids_of(session, kind, actor.organization_id, wanted.record_ids)
    ids = [known.get(_plain(ref)) for ref in wanted.record_ids]
    found = sorted({one for one in ids if one is not None})
    if None in ids:
        raise not_found(kind.value)
    if len(found) < 2:
        raise OneRecordError
    pairs = [pair(one, other) for one, other in combinations(found, 2)]
    if wanted.dismissed:
        changed = await queries.dismiss(session, actor, kind, pairs)
    else:
        changed = await queries.take_back(session, actor.organization_id, pairs)
    return {
        "record_type": kind,
        "record_ids": [str(one) for one in found],
        "dismissed": wanted.dismissed,
        "changed_pairs": changed,
    }


def _reasons(kind: RecordType, only: str | None) -> list[Reason]:
    known = REASONS[kind]
    if only is None:
        return list(known)
    if only not in known:
        raise ForeignReasonError(kind, known)
    return [Reason(only)]


async def _window(
    session: Session, organization_id: int, kind: RecordType, reasons: list[Reason], place: Place
) -> tuple[list[Found], Place | None]:
    """Groups, each with the place behind it, and where to go on."""
    reason = reasons[place.reason]
    end = await queries.end_of_window(session, organization_id, kind, reason, place.key, WINDOW)
    last = LARGEST_KEY if end is None else end
    rows = await queries.repeated(session, organization_id, kind, reason, place.key, last, GROUPS)
    if len(rows) == GROUPS:
        last = rows[-1]["key"]
    counts = {row["key"]: int(row["record_count"]) for row in rows}
    members: dict[int, list[Record]] = defaultdict(list)
    if counts:
        for row in await queries.members(session, organization_id, kind, reason, list(counts)):
            members[row["key"]].append(row)
    ids = {row["id"] for part in members.values() for row in part}
    dismissed = await queries.dismissed(session, organization_id, ids) if ids else set[Pair]()
    found: list[Found] = []
    for key, count in counts.items():
        group = _group(kind, reasons, reason, suggested(members[key], dismissed), count)
        behind = place.after(key, len(reasons))
        if group is not None:
            found.append((behind or Place(place.reason, LARGEST_KEY), group))
    return found, place.after(last, len(reasons))


def _group(
    kind: RecordType, reasons: list[Reason], reason: Reason, rows: list[Any], count: int
) -> dict[str, Any] | None:
    """None when nothing is left of it, or when a surer reason shows the same records."""
    if not rows:
        return None
    common = shared(rows, REASONS[kind])
    if count <= MOST_MEMBERS:
        count = len(rows)
        if next(one for one in common if one in reasons) is not reason:
            return None
    return {
        "record_type": kind,
        "reasons": common,
        "score": score(common),
        "record_count": count,
        "records": [summary(kind, row) for row in rows],
    }


def _plain(ref: str) -> str:
    """A UUID as it is usually written."""
    try:
        return str(UUID(ref))
    except ValueError:
        return ref
