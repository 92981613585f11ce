"""Finding what was merged: by its old id, address or external id. Every statement names the organization."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from drippulse.crm.merging.errors import merged_away
from drippulse.crm.merging.tables import AliasKind
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import NotFoundError, not_found

# Whatever belongs to a record or to those that were merged into it, directly and through each other.
FAMILY = """WITH RECURSIVE family AS (
  SELECT id FROM {table} WHERE organization_id = $1 AND id = $2
  UNION SELECT r.id FROM family f JOIN {table} r ON r.organization_id = $1 AND r.merged_into_id = f.id)"""


async def survivor_of(session: Session, kind: RecordType, organization_id: int, ref: str) -> Record | None:
    """The live record that the one with this UUID or public id was merged into, through however many merges."""
    column, value = _identified(ref)
    return await session.fetchrow(
        f"""WITH RECURSIVE chain AS (
              SELECT r.merged_into_id FROM {kind.value} r
              WHERE r.organization_id = $1 AND r.{column} = $2 AND r.merged_into_id IS NOT NULL
              UNION SELECT r.merged_into_id FROM chain c
              JOIN {kind.value} r ON r.organization_id = $1 AND r.id = c.merged_into_id
              WHERE r.merged_into_id IS NOT NULL)
            SELECT {SPECS[kind].select} FROM {kind.value} r
            WHERE r.organization_id = $1 AND r.deleted_at IS NULL AND r.id = ANY (ARRAY (SELECT * FROM chain))""",
        organization_id,
        value,
    )


async def absent(session: Session, kind: RecordType, organization_id: int, ref: str) -> NotFoundError:
    """The error for a record that is not there; of a merged one it says where it went."""
    survivor = await survivor_of(session, kind, organization_id, ref)
    return not_found(kind.value) if survivor is None else merged_away(kind.value, survivor["public_id"])


async def any_known(session: Session, kind: RecordType, organization_id: int) -> bool:
    """Whether there is anything that only a merged record was known by."""
    sql = "SELECT EXISTS (SELECT FROM record_alias WHERE organization_id = $1 AND record_type = $2)"
    return bool(await session.fetchval(sql, organization_id, kind.value))


async def by_email_key(session: Session, kind: RecordType, organization_id: int, key: str) -> Record | None:
    """Whom an address belongs to that a merged record had."""
    return await session.fetchrow(_found(kind, "a.value = $4"), organization_id, kind.value, AliasKind.EMAIL, key)


async def by_external(
    session: Session, kind: RecordType, organization_id: int, system: str | None, external_id: str
) -> Record | None:
    """Whom an external id belongs to that a merged record had; without a system in whatever system."""
    sql = _found(kind, "a.value = $4 AND a.system = coalesce($5, a.system)")
    return await session.fetchrow(sql, organization_id, kind.value, AliasKind.EXTERNAL, external_id, system)


async def keep(
    session: Session, kind: RecordType, organization_id: int, rows: Collection[Record], record_id: UUID, changeset: int
) -> None:
    """Addresses and external ids of `rows` find this record from now on, and so does what found `rows` until now."""
    aliases: list[tuple[AliasKind, str, str, UUID]] = []
    for row in rows:
        if SPECS[kind].unique_by_email and row["email_key"] is not None:
            aliases.append((AliasKind.EMAIL, "", row["email_key"], row["id"]))
        if row["external_id"] is not None:
            aliases.append((AliasKind.EXTERNAL, row["external_system"], row["external_id"], row["id"]))
    await session.execute(
        """UPDATE record_alias SET record_id = $3 WHERE organization_id = $1 AND record_id = ANY ($2::uuid[])""",
        organization_id,
        [row["id"] for row in rows if row["id"] != record_id],
        record_id,
    )
    await session.execute(
        """INSERT INTO record_alias
             (organization_id, record_type, kind, system, value, owner_id, record_id, changeset_id)
           SELECT $1, $2, a.kind, a.system, a.value, a.owner_id, $3, $4
           FROM unnest($5::text[], $6::text[], $7::text[], $8::uuid[]) AS a (kind, system, value, owner_id)
           ON CONFLICT (organization_id, record_type, kind, value, system, owner_id)
           DO UPDATE SET record_id = excluded.record_id, changeset_id = excluded.changeset_id""",
        organization_id,
        kind.value,
        record_id,
        changeset,
        [alias.value for alias, _, _, _ in aliases],
        [system for _, system, _, _ in aliases],
        [value for _, _, value, _ in aliases],
        [owner for _, _, _, owner in aliases],
    )


async def give_back(
    session: Session, kind: RecordType, organization_id: int, record_id: UUID, survivor_id: UUID, changeset: int
) -> None:
    """A record is its own again: the aliases of the merge are gone, older ones of its family find it as before. Call
    it before the record is restored."""
    await session.execute(
        """DELETE FROM record_alias WHERE organization_id = $1 AND changeset_id = $2
           AND owner_id IN ($3::uuid, $4::uuid)""",
        organization_id,
        changeset,
        record_id,
        survivor_id,
    )
    await session.execute(
        f"""{FAMILY.format(table=kind.value)}
            UPDATE record_alias SET record_id = $2
            WHERE organization_id = $1 AND record_type = $3 AND owner_id IN (SELECT id FROM family)""",
        organization_id,
        record_id,
        kind.value,
    )


def _found(kind: RecordType, condition: str) -> str:
    return f"""SELECT {SPECS[kind].select} FROM record_alias a
      JOIN {kind.value} r ON r.organization_id = $1 AND r.id = a.record_id AND r.deleted_at IS NULL
      WHERE a.organization_id = $1 AND a.record_type = $2 AND a.kind = $3 AND {condition}
      ORDER BY a.changeset_id DESC LIMIT 1"""


def _identified(ref: str) -> tuple[str, Any]:
    try:
        return "id", UUID(ref)
    except ValueError:
        return "public_id", ref
