"""Moving many opportunities at once: one statement, their audit rows and their events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drippulse.crm import bulk_reporting
from drippulse.crm.bulk_reporting import Update
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.pipelines.state import Stage, closing
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session

SELECT = SPECS[RecordType.OPPORTUNITY].select
PORTION = 2000
PLACED = ("pipeline_id", "pipeline_stage_id", "stage_position", "status", "closed_at")
MOVE = f"""UPDATE opportunity r SET pipeline_id = x.pipeline_id, pipeline_stage_id = x.stage_id,
    stage_position = x.position, status = x.status, closed_at = x.closed_at, updated_at = now()
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::timestamptz[])
    AS x (id, pipeline_id, stage_id, position, status, closed_at)
  WHERE r.organization_id = $1 AND r.id = x.id RETURNING {SELECT}"""
BY_IDS = f"SELECT {SELECT} FROM opportunity r WHERE r.organization_id = $1 AND r.id = ANY ($2::uuid[])"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card goes; a position of None keeps its own."""

    stage: Stage
    position: int | None = None


async def rows_of(session: Session, organization_id: int, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Those that exist, deleted ones too, by id."""
    return {row["id"]: row for row in await session.fetch(BY_IDS, organization_id, list(ids))}


async def move_all(
    session: Session, actor: Actor, changeset: OpenChangeset, places: Mapping[UUID, Place], now: datetime
) -> None:
    """The same as `move` for any number of cards, in portions. The caller has them locked."""
    ids = list(places)
    for start in range(0, len(ids), PORTION):
        part = ids[start : start + PORTION]
        rows = await rows_of(session, actor.organization_id, part)
        await move(session, actor, changeset, [rows[card] for card in part], places, now)


async def move(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    rows: Sequence[Record],
    places: Mapping[UUID, Place],
    now: datetime,
) -> None:
    """Put cards where `places` says. Status and time of closing follow the stage; only what changes is written, and
    there are events of those whose stage or status changes. The caller has them locked."""
    wanted = [(row, _values(row, places[row["id"]], now)) for row in rows]
    changing = [(row, values) for row, values in wanted if any(row[name] != values[name] for name in PLACED)]
    if not changing:
        return
    columns = [[values[name] for _, values in changing] for name in PLACED]
    moved = await session.fetch(MOVE, actor.organization_id, [row["id"] for row, _ in changing], *columns)
    after = {row["id"]: row for row in moved}
    updates = [
        Update(row, after[row["id"]], [name for name in PLACED if row[name] != values[name]])
        for row, values in changing
        if row["id"] in after
    ]
    await bulk_reporting.updated(
        session, actor, changeset, RecordType.OPPORTUNITY, updates, heard=lambda one: one.changed != ["stage_position"]
    )


def _values(row: Record, place: Place, now: datetime) -> dict[str, Any]:
    status = place.stage.stage_type
    return {
        "pipeline_id": place.stage.pipeline_id,
        "pipeline_stage_id": place.stage.id,
        "stage_position": row["stage_position"] if place.position is None else place.position,
        "status": status,
        "closed_at": closing(status, row["status"], row["closed_at"], now),
    }
