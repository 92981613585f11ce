"""Locks between those who start runs or come to a paused step, and those who hold, release, archive or delete.

The former take both of them shared, the latter the one that they are about exclusively, before they lock enrollments.
So no run slips past a hold, and none is held after its release.
"""

from collections.abc import Sequence

from drippulse.kit.db import Session

EXCLUSIVE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
SHARED = """SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0)),
  pg_advisory_xact_lock_shared(hashtextextended($2, 0))"""
TRY_SHARED = """SELECT pg_try_advisory_xact_lock_shared(hashtextextended($1, 0))
  AND pg_try_advisory_xact_lock_shared(hashtextextended($2, 0))"""

# The locks first, and then, with eyes of its own, what is paused or deleted by now.
BARRED = "SELECT organization_id, workflow_id FROM drippulse_barred($1::bigint[], $2::bigint[])"


async def nothing_starts(session: Session, organization_id: int, workflow_id: int | None = None) -> None:
    """Until this transaction ends no run starts in the workflow, or in the whole organization."""
    name = _organization(organization_id) if workflow_id is None else _workflow(organization_id, workflow_id)
    await session.execute(EXCLUSIVE, name)


async def holds_stay(session: Session, organization_id: int, workflow_id: int) -> bool:
    """Nobody changes the holds of this workflow until this transaction ends; False when somebody is at it.

    Only sessions of the engine get False. They have locked rows which somebody who pauses may be waiting for, so they
    must not wait in turn.
    """
    names = (_organization(organization_id), _workflow(organization_id, workflow_id))
    if session.organization_id is None:
        return bool(await session.fetchval(TRY_SHARED, *names))
    await session.execute(SHARED, *names)
    return True


async def barred(session: Session, workflows: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of these (organization, workflow), the ones that are paused or deleted, or that somebody is pausing, resuming or
    deleting; the others stay as they are until this transaction ends. Never waits."""
    rows = await session.fetch(BARRED, [one for one, _ in workflows], [one for _, one in workflows])
    return {(row["organization_id"], row["workflow_id"]) for row in rows}


def _organization(organization_id: int) -> str:
    return f"hold:{organization_id}"


def _workflow(organization_id: int, workflow_id: int) -> str:
    return f"hold:{organization_id}:{workflow_id}"
