"""What an export reads, all of it as of one moment. Every statement names the organization."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.locks import lock_number

ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
AT_ONCE = 2
"""Exports of one organization at a time; each holds a connection."""
PIPELINES = """SELECT id, public_id, name, user_id, is_default FROM pipeline
  WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY is_default DESC, id"""
STAGES = """SELECT pipeline_id, public_id, name, stage_type, probability FROM pipeline_stage
  WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY pipeline_id, position, id"""
OWNERS = """SELECT u.id, u.username, u.email FROM membership m JOIN app_user u ON u.id = m.user_id
  WHERE m.organization_id = $1 AND m.status = 'active' ORDER BY u.id"""
PLACES = """SELECT id, public_id FROM pipeline WHERE organization_id = $1
  UNION ALL SELECT id, public_id FROM pipeline_stage WHERE organization_id = $1"""


async def one_moment(session: Session) -> None:
    """Everything that this transaction reads is as it was at its first read. Comes before that."""
    await session.execute(ONE_MOMENT)


async def take_slot(session: Session, organization_id: int) -> bool:
    """One of the organization's places for exports, which is free again when this transaction ends."""
    for slot in range(AT_ONCE):
        number = lock_number(f"export:{organization_id}:{slot}")
        if await session.fetchval("SELECT pg_try_advisory_xact_lock($1)", number):
            return True
    return False


async def open_rows(
    session: Session, kind: RecordType, organization_id: int, *, since: datetime | None, deleted: bool
) -> None:
    """Begin to read the records of a type, oldest first."""
    conditions = ["r.organization_id = $1"]
    if not deleted:
        conditions.append("r.deleted_at IS NULL")
    if since is not None:
        conditions.append("r.updated_at >= $2")
    args = [organization_id] if since is None else [organization_id, since]
    await session.execute(
        f"""DECLARE {_cursor(kind)} NO SCROLL CURSOR FOR SELECT {SPECS[kind].select} FROM {kind.value} r
            WHERE {" AND ".join(conditions)} ORDER BY r.id""",
        *args,
    )


async def next_rows(session: Session, kind: RecordType, count: int) -> list[Record]:
    return await session.fetch(f"FETCH {int(count)} FROM {_cursor(kind)}")


async def close_rows(session: Session, kind: RecordType) -> None:
    await session.execute(f"CLOSE {_cursor(kind)}")


def _cursor(kind: RecordType) -> str:
    """A name for each type: the driver remembers a statement's columns by its text."""
    return f"bundle_{kind.value}"


async def public_ids(
    session: Session, kind: RecordType, organization_id: int, ids: Iterable[UUID]
) -> dict[UUID, tuple[str, bool]]:
    """Public id of each, and whether it lives."""
    rows = await session.fetch(
        f"""SELECT id, public_id, deleted_at IS NULL AS lives FROM {kind.value}
            WHERE organization_id = $1 AND id = ANY ($2::uuid[])""",
        organization_id,
        list(ids),
    )
    return {row["id"]: (row["public_id"], row["lives"]) for row in rows}


async def place_ids(session: Session, organization_id: int) -> dict[UUID, str]:
    """Public ids of all pipelines and stages, deleted ones too."""
    return {row["id"]: row["public_id"] for row in await session.fetch(PLACES, organization_id)}
