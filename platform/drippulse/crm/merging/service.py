"""Merging records into one, and taking it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from drippulse.crm import queries as records
from drippulse.crm import reporting
from drippulse.crm.changes.errors import RevertConflictError
from drippulse.crm.changes.reverting import revert
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.merging import aliases, queries
from drippulse.crm.merging.errors import NotMergedError
from drippulse.crm.merging.moving import POINTERS, repoint
from drippulse.crm.merging.runs import MovedRuns, lock_runs, move_runs, refs_between
from drippulse.crm.merging.schemas import Merge
from drippulse.crm.merging.state import united
from drippulse.crm.merging.undoing import absorb
from drippulse.crm.pipelines import placing
from drippulse.crm.records import SPECS
from drippulse.crm.service import get_record
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError
from drippulse.kit.text import did_you_mean

REASON = "merged"


@dataclass(frozen=True, slots=True)
class Merged:
    """The record that is left, and what became of the others. `moved`: records that followed, by their plural."""

    row: Record
    losers: Sequence[Record]
    changeset_id: int
    moved: Mapping[str, int]
    runs: MovedRuns


async def merge_records(session: Session, actor: Actor, kind: RecordType, ref: str, wanted: Merge) -> Merged:
    """The records of `wanted.merge` become part of the one with this UUID or public id.

    Raises:
        NotFoundError: any of them; of one that was merged before it says into which.
        ValidationError: one is named twice, or `fields` names what is no field or no record of this merge.
    """
    found = await _found(session, actor, kind, [ref, *wanted.merge])
    _check(kind, found, wanted)
    await lock_runs(session, actor.organization_id, [text for row in found[1:] for text in refs_between(row, row)])
    survivor, *losers = await _locked(session, actor, kind, found)
    changeset = OpenChangeset(label=f"Merge into {survivor['public_id']}")
    moved = await _move(session, actor, changeset, kind, losers, survivor)
    await absorb(session, actor, changeset, kind, losers, survivor)
    left = await _unite(session, actor, changeset, kind, survivor, losers, wanted)
    await reporting.merged(session, actor, changeset, kind, left, losers)
    runs = await _move_runs(session, actor, changeset, kind, losers, left)
    return Merged(left, losers, await changeset.number(session), moved, runs)


async def unmerge(
    session: Session, actor: Actor, kind: RecordType, ref: str, *, on_conflict: str, dry_run: bool
) -> dict[str, Any]:
    """Take back the merge that a record went into, or the last one into it, as a whole; as `RevertOut`.

    Raises:
        NotFoundError: no such record.
        NotMergedError: it has no part in a merge that still holds.
        RevertConflictError: a record cannot come back, because another one has its address or external id; or
            `on_conflict` is fail and something was changed since.
    """
    organization_id = actor.organization_id
    row = await records.any_by_ref(session, kind, organization_id, ref)
    if row is None or (row["deleted_at"] is not None and row["merged_into_id"] is None):
        raise await aliases.absent(session, kind, organization_id, ref)
    changeset_id = await queries.last_merge(session, kind, organization_id, row["id"])
    if changeset_id is None:
        raise NotMergedError(kind.value)
    done = await revert(session, actor, changeset_id, on_conflict=on_conflict, dry_run=dry_run)
    if done["status"] == "completed" and await queries.still_merged(session, kind, organization_id, changeset_id):
        raise RevertConflictError(done["conflicts"])
    return done


async def _found(session: Session, actor: Actor, kind: RecordType, refs: Sequence[str]) -> list[Record]:
    return [await get_record(session, actor, kind, ref) for ref in refs]


def _check(kind: RecordType, found: Sequence[Record], wanted: Merge) -> None:
    """What cannot be meant."""
    errors: dict[str, list[str]] = {}
    known = {row["id"]: place for place, row in reversed(list(enumerate(found)))}
    for place, row in enumerate(found[1:], start=1):
        if known[row["id"]] != place:
            errors[f"merge.{place - 1}"] = ["This record is in this merge already; name each once."]
    refs = {text for row in found for text in (row["public_id"], str(row["id"]))}
    fields = SPECS[kind].fields.model_fields
    for name, ref in wanted.fields.items():
        if name not in fields:
            errors[f"fields.{name}"] = [f"Unknown field.{did_you_mean(name, fields)}"]
        elif ref.lower() not in refs:
            errors[f"fields.{name}"] = ["Must be the id of a record of this merge."]
    if errors:
        first = next(iter(errors))
        raise ValidationError(f"{first}: {errors[first][0]}", errors=errors)


async def _locked(session: Session, actor: Actor, kind: RecordType, found: Sequence[Record]) -> list[Record]:
    """As they are now. Raises NotFoundError for one that was deleted or merged a moment ago."""
    rows = await queries.locked(session, kind, actor.organization_id, [row["id"] for row in found])
    for row in found:
        if row["id"] not in rows:
            raise await aliases.absent(session, kind, actor.organization_id, str(row["id"]))
    return [rows[row["id"]] for row in found]


async def _move(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    losers: Sequence[Record],
    survivor: Record,
) -> dict[str, int]:
    moved: dict[str, int] = {}
    for pointer in POINTERS[kind]:
        of = [row["id"] for row in losers]
        number = await repoint(session, actor, changeset, pointer, of, survivor["id"])
        plural = SPECS[pointer.kind].plural
        moved[plural] = moved.get(plural, 0) + number
    return moved


async def _move_runs(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, losers: Sequence[Record], left: Record
) -> MovedRuns:
    refs = {old: new for row in losers for old, new in refs_between(row, left).items()}
    keys = [left["email_key"]] if SPECS[kind].unique_by_email else []
    return await move_runs(session, actor, changeset, refs, reason=REASON, email_keys=keys)


async def _unite(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    survivor: Record,
    losers: Sequence[Record],
    wanted: Merge,
) -> Record:
    """The survivor with what it gets from the others; what it gives up for that still finds it."""
    by_ref = {text: row for row in (survivor, *losers) for text in (row["public_id"], str(row["id"]))}
    changes = united(kind, survivor, losers, {name: by_ref[ref.lower()] for name, ref in wanted.fields.items()})
    if not changes:
        return survivor
    if kind is RecordType.OPPORTUNITY:
        await placing.place(session, actor, changes, survivor)
        changes = {name: value for name, value in changes.items() if survivor[name] != value}
    try:
        left = await records.update(session, kind, actor.organization_id, survivor["id"], changes)
    except asyncpg.UniqueViolationError:
        raise RecordExistsError(kind.value, "e-mail address or external id") from None
    if left is None:
        raise await aliases.absent(session, kind, actor.organization_id, str(survivor["id"]))
    if changes.keys() & {"email", "external_id"}:
        number = await changeset.number(session)
        await aliases.keep(session, kind, actor.organization_id, [survivor], survivor["id"], number)
    await reporting.updated(session, actor, changeset, kind, survivor, left, changes)
    return left
