"""Reads and writes of CRM records. Every statement names the organization: the engine's role sees all of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.ids import uuid_or_none
from drippulse.workflows.queries import like

LIVE = "r.organization_id = $1 AND r.deleted_at IS NULL"
PEOPLE_MATCH = (
    "(r.email ILIKE {} OR r.first_name || ' ' || r.last_name ILIKE {} OR r.company ILIKE {} OR r.public_id = {})"
)


async def by_ref(session: Session, kind: RecordType, organization_id: int, ref: str) -> Record | None:
    """The live record with this UUID or public id."""
    column, value = _identified(ref)
    return await session.fetchrow(f"{_select(kind)} AND r.{column} = $2", organization_id, value)


async def deleted_by_ref(session: Session, kind: RecordType, organization_id: int, ref: str) -> Record | None:
    """The deleted record with this UUID or public id, locked."""
    column, value = _identified(ref)
    sql = f"SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NOT NULL"
    return await session.fetchrow(f"{sql} AND r.{column} = $2 FOR UPDATE", organization_id, value)


async def any_by_ref(session: Session, kind: RecordType, organization_id: int, ref: str) -> Record | None:
    """The record with this UUID or public id, deleted or not."""
    column, value = _identified(ref)
    sql = f"SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.{column} = $2"
    return await session.fetchrow(sql, organization_id, value)


async def id_of(session: Session, kind: RecordType, organization_id: int, ref: str) -> UUID | None:
    """The id of the live record with this UUID or public id, which nobody deletes or merges before this transaction
    ends."""
    column, value = _identified(ref)
    sql = f"SELECT r.id FROM {kind.value} r WHERE {LIVE} AND r.{column} = $2 FOR SHARE"
    return await session.fetchval(sql, organization_id, value)


async def ids_of(session: Session, kind: RecordType, organization_id: int, refs: Sequence[str]) -> dict[str, UUID]:
    """The live records with these UUIDs or public ids, by UUID and by public id."""
    rows = await session.fetch(
        f"""SELECT r.id, r.public_id FROM {kind.value} r
            WHERE {LIVE} AND (r.id = ANY ($2::uuid[]) OR r.public_id = ANY ($3::text[]))""",
        organization_id,
        [found for ref in refs if (found := uuid_or_none(ref)) is not None],
        refs,
    )
    return {str(row["id"]): row["id"] for row in rows} | {row["public_id"]: row["id"] for row in rows}


async def is_member(session: Session, organization_id: int, user_id: int) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM membership WHERE organization_id = $1 AND user_id = $2 AND status = 'active')"
    return bool(await session.fetchval(sql, organization_id, user_id))


async def by_public_id(session: Session, kind: RecordType, organization_id: int, public_id: str) -> Record | None:
    return await session.fetchrow(f"{_select(kind)} AND r.public_id = $2", organization_id, public_id)


async def by_public_ids(
    session: Session, kind: RecordType, organization_id: int, public_ids: list[str]
) -> dict[str, Record]:
    """Those that exist, by public id; nobody deletes or merges them before this transaction ends."""
    sql = f"{_select(kind)} AND r.public_id = ANY ($2::text[]) ORDER BY r.id FOR SHARE"
    rows = await session.fetch(sql, organization_id, public_ids)
    return {row["public_id"]: row for row in rows}


async def locked(session: Session, kind: RecordType, organization_id: int, record_id: UUID) -> Record | None:
    """Nobody else changes it until this transaction ends."""
    return await session.fetchrow(f"{_select(kind)} AND r.id = $2 FOR UPDATE", organization_id, record_id)


async def by_external(
    session: Session, kind: RecordType, organization_id: int, system: str, external_id: str
) -> Record | None:
    sql = f"{_select(kind)} AND r.external_system = $2 AND r.external_id = $3"
    return await session.fetchrow(sql, organization_id, system, external_id)


async def by_any_external(session: Session, kind: RecordType, organization_id: int, external_id: str) -> Record | None:
    """The one record with this external id in whatever system; None when there are two."""
    rows = await session.fetch(f"{_select(kind)} AND r.external_id = $2 LIMIT 2", organization_id, external_id)
    return rows[0] if len(rows) == 1 else None


async def by_email_key(session: Session, kind: RecordType, organization_id: int, key: str) -> Record | None:
    return await session.fetchrow(f"{_select(kind)} AND r.email_key = $2", organization_id, key)


async def page(
    session: Session, kind: RecordType, organization_id: int, *, q: str | None, limit: int, offset: int
) -> list[Record]:
    """Newest first."""
    where, args = _search(organization_id, q)
    args += [limit, offset]
    sql = f"{_select(kind)}{where} ORDER BY r.id DESC LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    return await session.fetch(sql, *args)


async def count(session: Session, kind: RecordType, organization_id: int, *, q: str | None) -> int:
    where, args = _search(organization_id, q)
    return int(await session.fetchval(f"SELECT count(*) FROM {kind.value} r WHERE {LIVE}{where}", *args))


async def insert(session: Session, kind: RecordType, organization_id: int, values: Mapping[str, Any]) -> Record | None:
    """The new row; None when another live record has its address or external id."""
    names = list(values)
    places = ", ".join(f"${number}" for number in range(2, len(names) + 2))
    return await session.fetchrow(
        f"""INSERT INTO {kind.value} AS r (organization_id, {", ".join(names)}) VALUES ($1, {places})
            ON CONFLICT DO NOTHING RETURNING {SPECS[kind].select}""",
        organization_id,
        *values.values(),
    )


async def update(
    session: Session, kind: RecordType, organization_id: int, record_id: UUID, values: Mapping[str, Any]
) -> Record | None:
    """The changed row. Raises asyncpg.UniqueViolationError when another live record has the new values."""
    changes = "".join(f", {name} = ${number}" for number, name in enumerate(values, start=3))
    return await session.fetchrow(
        f"""UPDATE {kind.value} r SET updated_at = now(){changes}
            WHERE {LIVE} AND r.id = $2 RETURNING {SPECS[kind].select}""",
        organization_id,
        record_id,
        *values.values(),
    )


async def soft_delete(session: Session, kind: RecordType, organization_id: int, record_id: UUID) -> bool:
    """Whether it was there."""
    sql = f"UPDATE {kind.value} r SET deleted_at = now(), updated_at = now() WHERE {LIVE} AND r.id = $2 RETURNING 1"
    return await session.fetchval(sql, organization_id, record_id) is not None


async def soft_delete_untouched(
    session: Session, kind: RecordType, organization_id: int, changesets: Sequence[int], ids: Sequence[UUID]
) -> list[Record]:
    """Delete those of `ids` that no changeset but these has changed; the rows that it was."""
    return await session.fetch(
        f"""UPDATE {kind.value} r SET deleted_at = now(), updated_at = now()
            WHERE {LIVE} AND r.id = ANY ($2::uuid[]) AND NOT EXISTS (
              SELECT 1 FROM change_event c WHERE c.organization_id = $1 AND c.record_id = r.id
                AND c.changeset_id <> ALL ($3::bigint[]))
            RETURNING {SPECS[kind].select}""",
        organization_id,
        ids,
        changesets,
    )


async def restore(session: Session, kind: RecordType, organization_id: int, record_id: UUID) -> Record | None:
    """The row, live again. Raises asyncpg.UniqueViolationError when another live record has its unique values."""
    return await session.fetchrow(
        f"""UPDATE {kind.value} r SET deleted_at = NULL, merged_into_id = NULL, updated_at = now()
            WHERE r.organization_id = $1 AND r.id = $2 AND r.deleted_at IS NOT NULL RETURNING {SPECS[kind].select}""",
        organization_id,
        record_id,
    )


def _identified(ref: str) -> tuple[str, Any]:
    try:
        return "id", UUID(ref)
    except ValueError:
        return "public_id", ref


def _select(kind: RecordType) -> str:
    return f"SELECT {SPECS[kind].select} FROM {kind.value} r WHERE {LIVE}"


def _search(organization_id: int, q: str | None) -> tuple[str, list[Any]]:
    if not q:
        return "", [organization_id]
    return f" AND {PEOPLE_MATCH.replace('{}', '$2', 3).replace('{}', '$3')}", [organization_id, like(q), q]
