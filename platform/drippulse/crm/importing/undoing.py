"""Undoing a whole import: its changeset is reverted."""

from typing import Any

from drippulse.crm.changes.queries import revert_of
from drippulse.crm.changes.reverting import revert
from drippulse.crm.importing import queries
from drippulse.crm.importing.errors import NotUndoableError
from drippulse.crm.importing.presentation import present
from drippulse.crm.importing.service import get_import
from drippulse.crm.importing.tables import OPEN, ImportStatus
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session


async def undo_import(
    session: Session, actor: Actor, import_id: int, *, on_conflict: str = "skip", dry_run: bool = False
) -> dict[str, Any]:
    """As `RevertOut`.

    Raises:
        NotFoundError: unknown and foreign ones alike.
        NotUndoableError: it is still under way, or changed nothing.
        AlreadyRevertedError, RevertConflictError: as with any changeset.
    """
    row = await get_import(session, actor, import_id)
    if row["status"] in OPEN:
        raise NotUndoableError("This import is still under way; cancel it first, then undo it.")
    if row["changeset_id"] is None:
        raise NotUndoableError("This import changed nothing; there is nothing to undo.")
    done = await revert(session, actor, row["changeset_id"], on_conflict=on_conflict, dry_run=dry_run)
    if not dry_run:
        await queries.mark_undone(session, actor.organization_id, import_id)
    return done


async def undoing_of(session: Session, actor: Actor, row: Record) -> dict[str, Any] | None:
    """How far the undoing of an undone import is."""
    if row["status"] != ImportStatus.UNDONE:
        return None
    found = await revert_of(session, actor.organization_id, row["changeset_id"])
    return None if found is None else {name: found[name] for name in ("reverting_id", "status", "counts")}


async def shown_import(session: Session, actor: Actor, import_id: int) -> dict[str, Any]:
    """As `ImportOut`, with how far its undoing is. Raises NotFoundError."""
    row = await get_import(session, actor, import_id)
    return present(row, await undoing_of(session, actor, row))
