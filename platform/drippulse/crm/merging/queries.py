"""Statements of merging. Every one names the organization."""

from collections.abc import Sequence
from uuid import UUID

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session


async def locked(session: Session, kind: RecordType, organization_id: int, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """The live ones, locked in the order of their ids. Who only refers to them does not wait."""
    rows = await session.fetch(
        f"""SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
            AND r.id = ANY ($2::uuid[]) ORDER BY r.id FOR NO KEY UPDATE""",
        organization_id,
        ids,
    )
    return {row["id"]: row for row in rows}


async def absorb(
    session: Session, kind: RecordType, organization_id: int, ids: Sequence[UUID], survivor_id: UUID
) -> None:
    """Hide live records: they are merged into this one."""
    await session.execute(
        f"""UPDATE {kind.value} SET deleted_at = now(), updated_at = now(), merged_into_id = $3
            WHERE organization_id = $1 AND id = ANY ($2::uuid[]) AND deleted_at IS NULL""",
        organization_id,
        ids,
        survivor_id,
    )


async def last_merge(session: Session, kind: RecordType, organization_id: int, record_id: UUID) -> int | None:
    """The changeset of the newest merge in which this record was merged, or another one into it."""
    return await session.fetchval(
        f"""SELECT c.changeset_id FROM {kind.value} r
            JOIN change_event c ON c.organization_id = $1 AND c.record_id = r.id AND c.action = 'merge'
            WHERE r.organization_id = $1 AND r.merged_into_id IS NOT NULL AND (r.id = $2 OR r.merged_into_id = $2)
            ORDER BY c.id DESC LIMIT 1""",
        organization_id,
        record_id,
    )


async def still_merged(session: Session, kind: RecordType, organization_id: int, changeset_id: int) -> list[str]:
    """Public ids of records that were merged in this changeset and still are."""
    rows = await session.fetch(
        f"""SELECT r.public_id FROM change_event c JOIN {kind.value} r ON r.organization_id = $1 AND r.id = c.record_id
            WHERE c.organization_id = $1 AND c.changeset_id = $2 AND c.action = 'merge'
              AND r.merged_into_id IS NOT NULL""",
        organization_id,
        changeset_id,
    )
    return [row["public_id"] for row in rows]
