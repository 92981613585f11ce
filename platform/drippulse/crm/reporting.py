"""What a change of a record leaves behind: a row of the audit, and events that workflows and webhooks hear."""

from collections.abc import Iterable, Sequence
from typing import Any

from drippulse.crm.changes import service as changes
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import ChangeAction
from drippulse.crm.presentation import Row, present, present_column
from drippulse.crm.records import SPECS
from drippulse.crm.state import DERIVED
from drippulse.crm.tables import RecordType
from drippulse.events import service as events
from drippulse.events.service import Actor
from drippulse.kit.db import Session

IDENTIFYING = ("email", "name", "subject")
"""What an event says of the record beside its ids, where it has it."""


async def created(session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, row: Row) -> None:
    await changes.record(session, actor, changeset, kind, ChangeAction.CREATE, row, after=snapshot(kind, row))
    await _event(session, actor, changeset, kind, "created", row)


async def updated(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    before: Row,
    after: Row,
    changed: Iterable[str],
) -> None:
    """`changed` are the columns that differ."""
    names = sorted(name for name in changed if name not in DERIVED)
    old = {name: present_column(kind, name, before[name]) for name in names}
    new = {name: present_column(kind, name, after[name]) for name in names}
    await changes.record(session, actor, changeset, kind, ChangeAction.UPDATE, after, before=old, after=new)
    await _event(session, actor, changeset, kind, "updated", after, changed_fields=names)
    if "score" in names and kind is RecordType.LEAD:
        await _event(session, actor, changeset, kind, "scored", after, before=old["score"], score=new["score"])
    if "pipeline_stage_id" in names:
        await _event(
            session,
            actor,
            changeset,
            kind,
            "stage_changed",
            after,
            from_stage_id=old["pipeline_stage_id"],
            pipeline_id=str(after["pipeline_id"]),
            pipeline_stage_id=new["pipeline_stage_id"],
            status=after["status"],
        )


async def deleted(session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, row: Row) -> None:
    await changes.record(session, actor, changeset, kind, ChangeAction.DELETE, row, before=snapshot(kind, row))
    await _event(session, actor, changeset, kind, "deleted", row)


async def restored(session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, row: Row) -> None:
    """Whoever listens hears of a creation: for them it was gone."""
    await changes.record(session, actor, changeset, kind, ChangeAction.RESTORE, row, after=snapshot(kind, row))
    await _event(session, actor, changeset, kind, "created", row, restored=True)


async def merged(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, row: Row, losers: Sequence[Row]
) -> None:
    """Whoever listens hears of the record that is left, once, with the public ids of those that are gone."""
    await _event(session, actor, changeset, kind, "merged", row, merged=[loser["public_id"] for loser in losers])


async def unmerged(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, row: Row, into: str | None
) -> None:
    """A merged record is back; for those who listen it is created."""
    before = {"merged_into": into}
    after = snapshot(kind, row)
    await changes.record(session, actor, changeset, kind, ChangeAction.UNMERGE, row, before=before, after=after)
    await _event(session, actor, changeset, kind, "created", row, restored=True)


def snapshot(kind: RecordType, row: Row) -> dict[str, Any]:
    """All of a record that an answer shows and that is not empty."""
    return {name: value for name, value in present(kind, row).items() if value not in (None, "", [], {})}


async def _event(
    session: Session, actor: Actor, changeset: OpenChangeset, kind: RecordType, what: str, row: Row, **more: Any
) -> None:
    if changeset.quiet:
        return
    shown = SPECS[kind].columns
    data = {name: row[name] for name in IDENTIFYING if name in shown}
    data = {"public_id": row["public_id"], **data, **more}
    await events.append(session, f"{kind.value}.{what}", kind.value, str(row["id"]), actor, data)
