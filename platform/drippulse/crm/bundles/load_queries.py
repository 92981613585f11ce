"""Finding and writing the records of a bundle, many at a time. Every statement names the organization."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.bundles.candidates import uuid_of
from drippulse.crm.bundles.recordsets import as_json, typed
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.locks import lock_number

LIVE = "organization_id = $1 AND deleted_at IS NULL"
MEMBERS = """SELECT u.id, u.email FROM membership m JOIN app_user u ON u.id = m.user_id
  WHERE m.organization_id = $1 AND m.status = 'active'"""


async def take_turn(session: Session, organization_id: int) -> bool:
    """Whether no other bundle of the organization is being imported; none is until this transaction ends."""
    number = lock_number(f"bundle:{organization_id}")
    return bool(await session.fetchval("SELECT pg_try_advisory_xact_lock($1)", number))


async def members(session: Session, organization_id: int) -> list[Record]:
    return await session.fetch(MEMBERS, organization_id)


# Each value is looked up by itself: the planner has no figures of what this transaction wrote, and for an array it
# would rather read a whole index.
async def by_public_ids(
    session: Session, kind: RecordType, organization_id: int, public_ids: Collection[str]
) -> list[Record]:
    """Deleted ones too."""
    return await session.fetch(
        f"""SELECT r.* FROM unnest($2::text[]) AS k (public_id) CROSS JOIN LATERAL (
              SELECT id, public_id, deleted_at, merged_into_id FROM {kind.value}
              WHERE organization_id = $1 AND public_id = k.public_id) r""",
        organization_id,
        list(public_ids),
    )


async def by_externals(
    session: Session, kind: RecordType, organization_id: int, externals: Collection[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    rows = await session.fetch(
        f"""SELECT k.system, k.external_id, r.id FROM unnest($2::text[], $3::text[]) AS k (system, external_id)
            CROSS JOIN LATERAL (SELECT id FROM {kind.value} WHERE {LIVE} AND external_id IS NOT NULL
              AND external_system = k.system AND external_id = k.external_id) r""",
        organization_id,
        [system for system, _ in externals],
        [external_id for _, external_id in externals],
    )
    return {(row["system"], row["external_id"]): row["id"] for row in rows}


async def by_email_keys(
    session: Session, kind: RecordType, organization_id: int, keys: Collection[str]
) -> dict[str, UUID]:
    rows = await session.fetch(
        f"""SELECT k.key, r.id FROM unnest($2::text[]) AS k (key) CROSS JOIN LATERAL (
              SELECT id FROM {kind.value} WHERE {LIVE} AND email_key IS NOT NULL AND email_key = k.key) r""",
        organization_id,
        list(keys),
    )
    return {row["key"]: row["id"] for row in rows}


async def by_refs(session: Session, kind: RecordType, organization_id: int, refs: Collection[str]) -> dict[str, UUID]:
    """Live records by public id or by UUID in lower case."""
    rows = await session.fetch(
        f"""SELECT r.public_id AS ref, r.id FROM unnest($2::text[]) AS k (public_id) CROSS JOIN LATERAL (
              SELECT id, public_id FROM {kind.value} WHERE {LIVE} AND public_id = k.public_id) r
            UNION ALL SELECT r.id::text, r.id FROM unnest($3::uuid[]) AS k (id) CROSS JOIN LATERAL (
              SELECT id FROM {kind.value} WHERE {LIVE} AND id = k.id) r""",
        organization_id,
        list(refs),
        [found for ref in refs if (found := uuid_of(ref)) is not None],
    )
    return {row["ref"]: row["id"] for row in rows}


async def lock(session: Session, kind: RecordType, organization_id: int, ids: Collection[UUID]) -> dict[UUID, Record]:
    """The live ones, in the order of their ids."""
    rows = await session.fetch(
        f"""SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
            AND r.id = ANY ($2::uuid[]) ORDER BY r.id FOR UPDATE""",
        organization_id,
        list(ids),
    )
    return {row["id"]: row for row in rows}


async def insert(
    session: Session, kind: RecordType, organization_id: int, rows: Sequence[Mapping[str, Any]]
) -> dict[UUID, Record]:
    """The new ones by id; those whose unique values somebody has are missing. All rows have the same columns."""
    names = list(rows[0])
    made = await session.fetch(
        f"""INSERT INTO {kind.value} AS r (organization_id, {", ".join(names)})
            SELECT $1, {", ".join(f"x.{name}" for name in names)}
            FROM jsonb_to_recordset($2::jsonb) AS x ({typed(kind, names)})
            ON CONFLICT DO NOTHING RETURNING {SPECS[kind].select}""",
        organization_id,
        as_json(kind, rows),
    )
    return {row["id"]: row for row in made}


async def update(
    session: Session, kind: RecordType, organization_id: int, changes: Mapping[UUID, Mapping[str, Any]]
) -> dict[UUID, Record]:
    """The changed ones by id. All have the same columns. Raises asyncpg.UniqueViolationError."""
    names = list(next(iter(changes.values())))
    rows = [{"id": record_id, **values} for record_id, values in changes.items()]
    made = await session.fetch(
        f"""UPDATE {kind.value} r SET updated_at = now(), {", ".join(f"{name} = x.{name}" for name in names)}
            FROM jsonb_to_recordset($2::jsonb) AS x ({typed(kind, ["id", *names])})
            WHERE r.organization_id = $1 AND r.deleted_at IS NULL AND r.id = x.id RETURNING {SPECS[kind].select}""",
        organization_id,
        as_json(kind, rows),
    )
    return {row["id"]: row for row in made}
