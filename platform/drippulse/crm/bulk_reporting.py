"""The same as `reporting`, for many records in a few statements: rows of the audit, and events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import ChangeAction
from drippulse.crm.presentation import Row, present_column
from drippulse.crm.records import SPECS
from drippulse.crm.reporting import IDENTIFYING, snapshot
from drippulse.crm.state import DERIVED
from drippulse.crm.tables import RecordType
from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.db import Session
from drippulse.kit.json import dump_json

RECORD = """WITH opened AS (
  INSERT INTO changeset (id, organization_id, source, actor_type, actor_id, label, reverts_id)
  VALUES ($2, $1, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING)
INSERT INTO change_event (organization_id, changeset_id, record_type, record_id, record_public_id, action, actor_type,
  actor_id, before, after)
SELECT $1, $2, $8, c.id, c.public_id, $9, $4, $5, c.before, c.after
FROM unnest($10::uuid[], $11::text[], $12::jsonb[], $13::jsonb[]) AS c (id, public_id, before, after)"""


@dataclass(frozen=True, slots=True)
class Update:
    """A record before and after a change, and the columns that differ."""

    before: Row
    after: Row
    changed: Iterable[str]


def always(_: Update) -> bool:
    return True


async def created(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, rows: Sequence[Row]
) -> None:
    """Of new records."""
    if not rows:
        return
    changes = [(None, snapshot(kind, row)) for row in rows]
    await _record(session, actor, changeset, kind, ChangeAction.CREATE, rows, changes)
    await _events(session, actor, changeset, kind, "created", [(row, {}) for row in rows])


async def deleted(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, rows: Sequence[Row]
) -> None:
    """Of records that are hidden now; their rows are still there, so that the audit keeps no copy."""
    if not rows:
        return
    await _record(session, actor, changeset, kind, ChangeAction.DELETE, rows, [(None, None)] * len(rows))
    await _events(session, actor, changeset, kind, "deleted", [(row, {}) for row in rows])


async def updated(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    updates: Sequence[Update],
    *,
    heard: Callable[[Update], bool] = always,
) -> None:
    """Of changed records; `heard` says of which of them there are events."""
    if not updates:
        return
    named = [(one, sorted(name for name in one.changed if name not in DERIVED)) for one in updates]
    changes = [(_values(kind, one.before, names), _values(kind, one.after, names)) for one, names in named]
    rows = [one.after for one in updates]
    await _record(session, actor, changeset, kind, ChangeAction.UPDATE, rows, changes)
    told = [(one, names) for one, names in named if heard(one)]
    await _events(
        session, actor, changeset, kind, "updated", [(one.after, {"changed_fields": names}) for one, names in told]
    )
    scored = [
        (one.after, {"before": one.before["score"], "score": one.after["score"]})
        for one, names in told
        if kind is RecordType.LEAD and "score" in names
    ]
    await _events(session, actor, changeset, kind, "scored", scored)
    moved = [(one.after, _move(one)) for one, names in told if "pipeline_stage_id" in names]
    await _events(session, actor, changeset, kind, "stage_changed", moved)


def _move(one: Update) -> dict[str, Any]:
    return {
        "from_stage_id": str(one.before["pipeline_stage_id"]),
        "pipeline_id": str(one.after["pipeline_id"]),
        "pipeline_stage_id": str(one.after["pipeline_stage_id"]),
        "status": one.after["status"],
    }


def _values(kind: RecordType, row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: present_column(kind, name, row[name]) for name in names}


async def _record(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    action: ChangeAction,
    rows: Sequence[Row],
    changes: Sequence[tuple[dict[str, Any] | None, dict[str, Any] | None]],
) -> None:
    await session.execute(
        RECORD,
        actor.organization_id,
        await changeset.number(session),
        changeset.source,
        actor.actor_type,
        actor.actor_id,
        changeset.label,
        changeset.reverts_id,
        kind.value,
        action.value,
        [row["id"] for row in rows],
        [row["public_id"] for row in rows],
        [None if before is None else dump_json(before) for before, _ in changes],
        [None if after is None else dump_json(after) for _, after in changes],
    )


async def _events(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    what: str,
    rows: Sequence[tuple[Row, dict[str, Any]]],
) -> None:
    if changeset.quiet:
        return
    shown = [name for name in IDENTIFYING if name in SPECS[kind].columns]
    records = [
        (str(row["id"]), {"public_id": row["public_id"], **{name: row[name] for name in shown}, **more})
        for row, more in rows
    ]
    await events.append_many(session, f"{kind.value}.{what}", kind.value, records, actor)
