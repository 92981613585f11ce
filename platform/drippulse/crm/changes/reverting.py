"""Undoing a changeset: newest change first, field by field, leaving alone what somebody changed since.

A small one is undone in the transaction of the call; a large one by the scheduler, in portions, each of which commits
with how far it is, so that a process that dies loses and repeats nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson

from drippulse.crm import bulk_reporting, service
from drippulse.crm import queries as record_queries
from drippulse.crm.changes import queries
from drippulse.crm.changes.errors import AlreadyRevertedError, RevertConflictError
from drippulse.crm.changes.pointing import point_back
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.state import CHANGED, FieldConflict, Undoing, stored, undo
from drippulse.crm.changes.tables import ChangeAction, Source
from drippulse.crm.merging.runs import lock_moved, move_back
from drippulse.crm.merging.undoing import bring_back, merge_again
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor, SystemActor
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import DomainError, not_found

AT_ONCE = 1_000
"""A changeset with more changes is undone in the background."""
PORTION = 2_000
MOST_CONFLICTS = 1_000
GONE = "It is deleted by now."
THERE = "It was restored since."
REFERRED_IS_GONE = "What it referred to is deleted or merged by now."


@dataclass(slots=True)
class Report:
    """What was done, in records, and what was left alone."""

    counts: dict[str, int] = field(default_factory=lambda: {"reverted": 0, "unchanged": 0, "conflicts": 0})
    conflicts: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] += number

    def conflict(self, event: Record, reason: str, **more: object) -> None:
        if len(self.conflicts) < MOST_CONFLICTS:
            named = {name: event[name] for name in ("record_type", "record_public_id")}
            self.conflicts.append(
                {**named, "record_id": str(event["record_id"]), "field": None, "reason": reason, **more}
            )


@dataclass(frozen=True, slots=True)
class Reverting:
    """One undoing: whose, of what, by which changeset."""

    actor: Actor
    changeset_id: int
    own: OpenChangeset
    report: Report


async def revert(
    session: Session, actor: Actor, changeset_id: int, *, on_conflict: str = "skip", dry_run: bool = False
) -> dict[str, Any]:
    """Undo a changeset, as `RevertOut` has it. Raises NotFoundError, AlreadyRevertedError, RevertConflictError."""
    found = await queries.changeset(session, actor.organization_id, changeset_id)
    if found is None:
        raise not_found("changeset")
    await session.execute("SAVEPOINT reverting")
    if not await queries.mark_reverted(session, actor.organization_id, changeset_id):
        known = await queries.revert_of(session, actor.organization_id, changeset_id)
        raise AlreadyRevertedError(None if known is None else known["reverting_id"])
    own = OpenChangeset(Source.REVERT, label=found["label"], reverts_id=changeset_id)
    reverting = Reverting(actor, changeset_id, own, Report())
    number, who = await own.number(session), (actor.actor_type, actor.actor_id)
    row = await queries.begin(session, actor.organization_id, changeset_id, number, who)
    first = await queries.events_below(session, actor.organization_id, changeset_id, row["below"], AT_ONCE + 1)
    report, small = reverting.report, len(first) <= AT_ONCE
    if small or dry_run:
        await lock_moved(session, actor.organization_id, changeset_id)
        await _undo(session, reverting, first[:AT_ONCE])
        await move_back(session, actor.organization_id, changeset_id, own)
    if dry_run:
        await session.execute("ROLLBACK TO SAVEPOINT reverting")
        return shown(changeset_id, None, "dry_run", report.counts, report.conflicts)
    if small and on_conflict == "fail" and report.conflicts:
        raise RevertConflictError(report.conflicts)
    if small:
        await queries.advance(session, row, 0, report.counts, report.conflicts, done=True)
    await session.execute("RELEASE SAVEPOINT reverting")
    return shown(changeset_id, number, "completed" if small else "running", report.counts, report.conflicts)


async def revert_changesets(database: Database) -> bool:
    """A chore: work on one portion of the oldest undoing; whether there was any."""
    async with database.session(Role.ENGINE) as session:
        row = await queries.claim_running(session)
        if row is None:
            return False
        actor = SystemActor(row["organization_id"], row["actor_type"], row["actor_id"])
        own = OpenChangeset(Source.REVERT, reverts_id=row["changeset_id"], id=row["reverting_id"])
        report = Report(orjson.loads(row["counts"]) or Report().counts, orjson.loads(row["conflicts"]))
        reverting = Reverting(actor, row["changeset_id"], own, report)
        events = await queries.events_below(session, row["organization_id"], row["changeset_id"], row["below"], PORTION)
        await _undo(session, reverting, events)
        below = events[-1]["id"] if events else 0
        done = len(events) < PORTION
        if done:
            await move_back(session, row["organization_id"], row["changeset_id"], own)
        await queries.advance(session, row, below, report.counts, report.conflicts, done=done)
    return True


def shown(
    changeset_id: int, reverting_id: int | None, status: str, counts: dict[str, int], conflicts: Sequence[object]
) -> dict[str, Any]:
    return {
        "changeset_id": changeset_id,
        "reverting_id": reverting_id,
        "status": status,
        "counts": counts,
        "conflicts": list(conflicts),
    }


async def _undo(session: Session, reverting: Reverting, events: Sequence[Record]) -> None:
    """`events` newest first."""
    for (kind, created), run in groupby(events, lambda event: (event["record_type"], event["action"] == "create")):
        part = list(run)
        if created:
            await _uncreate(session, reverting, RecordType(kind), part)
        else:
            done, left = await point_back(session, reverting.actor, reverting.own, RecordType(kind), part)
            reverting.report.count("reverted", done)
            for event in left:
                await _undo_one(session, reverting, RecordType(kind), event)


async def _uncreate(session: Session, reverting: Reverting, kind: RecordType, events: Sequence[Record]) -> None:
    """Delete what was created and is as it was; both changesets' own changes do not count."""
    actor, own = reverting.actor, await reverting.own.number(session)
    ids = [event["record_id"] for event in events]
    known = [reverting.changeset_id, own]
    gone = await record_queries.soft_delete_untouched(session, kind, actor.organization_id, known, ids)
    await bulk_reporting.deleted(session, actor, reverting.own, kind, gone)
    reverting.report.count("reverted", len(gone))
    deleted = {row["id"] for row in gone}
    left = [event for event in events if event["record_id"] not in deleted]
    rows = await queries.records(session, kind, actor.organization_id, [event["record_id"] for event in left])
    for event in left:
        if rows[event["record_id"]]["deleted_at"] is not None:
            reverting.report.count("unchanged")
        else:
            reverting.report.count("conflicts")
            reverting.report.conflict(event, CHANGED)


async def _undo_one(session: Session, reverting: Reverting, kind: RecordType, event: Record) -> None:
    report = reverting.report
    try:
        async with session.savepoint():
            done = await _undone(session, reverting, kind, event)
    except DomainError as error:
        report.count("conflicts")
        report.conflict(event, error.message)
    else:
        report.count(done)


async def _undone(session: Session, reverting: Reverting, kind: RecordType, event: Record) -> str:
    """What to count it as."""
    actor, own = reverting.actor, reverting.own
    rows = await queries.records(session, kind, actor.organization_id, [event["record_id"]])
    row, ref = rows[event["record_id"]], str(event["record_id"])
    live = row["deleted_at"] is None
    action = ChangeAction(event["action"])
    if action in {ChangeAction.DELETE, ChangeAction.MERGE}:
        if live:
            return "unchanged"
        if action is ChangeAction.DELETE:
            await service.restore_record(session, actor, kind, ref, own)
        elif row["merged_into_id"] is None:
            reverting.report.conflict(event, GONE)
            return "conflicts"
        else:
            await bring_back(session, actor, own, kind, row, event["changeset_id"])
        return "reverted"
    if action in {ChangeAction.RESTORE, ChangeAction.UNMERGE}:
        if not live:
            return "unchanged"
        if action is ChangeAction.RESTORE:
            await service.delete_record(session, actor, kind, ref, own)
        else:
            await merge_again(session, actor, own, kind, row, orjson.loads(event["before"])["merged_into"])
        return "reverted"
    if not live:
        reverting.report.conflict(event, GONE)
        return "conflicts"
    return await _undo_fields(session, reverting, kind, event, row)


async def _undo_fields(session: Session, reverting: Reverting, kind: RecordType, event: Record, row: Record) -> str:
    before, after = orjson.loads(event["before"] or "{}"), orjson.loads(event["after"] or "{}")
    current = present(kind, row)
    undoing = undo(before, after, current)
    await _keep_off_the_gone(session, reverting, kind, undoing, current)
    for conflict in undoing.conflicts:
        reverting.report.conflict(
            event, conflict.reason, field=conflict.field, expected=conflict.expected, found=conflict.found
        )
    if undoing.values:
        values = stored(kind, undoing.values, current)
        await service.change_columns(session, reverting.actor, kind, row, values, reverting.own)
    if undoing.conflicts:
        return "conflicts"
    return "reverted" if undoing.values else "unchanged"


async def _keep_off_the_gone(
    session: Session, reverting: Reverting, kind: RecordType, undoing: Undoing, current: dict[str, Any]
) -> None:
    """A reference does not go back to a record that is not there any more."""
    organization_id = reverting.actor.organization_id
    for column, target in SPECS[kind].references.items():
        was = undoing.values.get(column)
        if was is not None and await record_queries.id_of(session, target, organization_id, was) is None:
            del undoing.values[column]
            undoing.conflicts.append(FieldConflict(column, was, current[column], REFERRED_IS_GONE))
