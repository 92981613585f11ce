"""What refers to a record refers to another one from now on: set-based, with the audit rows and events of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.records import SPECS
from drippulse.crm.reporting import IDENTIFYING
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Session

CONVERTED = {
    "converted_account_id": RecordType.ACCOUNT,
    "converted_contact_id": RecordType.CONTACT,
    "converted_opportunity_id": RecordType.OPPORTUNITY,
}
"""What a converted lead became."""
PORTION = 25_000


@dataclass(frozen=True, slots=True)
class Pointer:
    """The records of `kind` whose `column` holds the id of another record."""

    kind: RecordType
    column: str


def _pointers(target: RecordType) -> Sequence[Pointer]:
    found = [
        Pointer(kind, column)
        for kind, spec in SPECS.items()
        for column, to in {**spec.references, **(CONVERTED if kind is RecordType.LEAD else {})}.items()
        if to is target
    ]
    return tuple(found)


POINTERS: Mapping[RecordType, Sequence[Pointer]] = {kind: _pointers(kind) for kind in SPECS}
"""Type of a record -> who refers to such records, in the order in which everybody locks them."""


async def repoint(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    pointer: Pointer,
    of: Collection[UUID],
    to: UUID | None,
    *,
    by: str | None = None,
) -> int:
    """Let live records point at `to`, or at nothing; how many.

    Args:
        of: those whose column holds one of these.
        by: the column that is compared with `of`. Another one than the pointer's leaves alone what points somewhere,
            but for `id`.
    """
    sql = _sql(pointer, by or pointer.column)
    who = (actor.actor_type, actor.actor_id)
    opened = (changeset.source, changeset.label, changeset.reverts_id)
    number, moved = await changeset.number(session), 0
    session.news.add(actor.organization_id)
    while True:  # no statement takes as long as a statement may
        part = await session.fetchval(
            sql, actor.organization_id, list(of), to, number, *who, *opened, not changeset.quiet, PORTION
        )
        moved += int(part)
        if not part:
            return moved


def _sql(pointer: Pointer, by: str) -> str:
    table, column = pointer.kind.value, pointer.column
    spec = SPECS[pointer.kind]
    empty = "" if by in (column, "id") else f" AND r.{column} IS NULL"
    named = "".join(f", '{name}', r.{name}" for name in IDENTIFYING if name in spec.columns)
    key = "r.email_key" if spec.unique_by_email else "NULL::text"
    wanted = f"""r.organization_id = $1 AND r.deleted_at IS NULL AND r.{by} = ANY ($2::uuid[]){empty}
        AND r.{column} IS DISTINCT FROM $3"""
    # Found by what they refer to and put in order afterwards: in one go the planner would go through all by their ids.
    return f"""WITH pointing AS MATERIALIZED (
      SELECT r.id, r.{column} AS was FROM {table} r
      WHERE {wanted} AND r.id = ANY (ARRAY (SELECT r.id FROM {table} r WHERE {wanted} LIMIT $11))
      ORDER BY r.id FOR NO KEY UPDATE),
    moved AS (
      UPDATE {table} r SET {column} = $3, updated_at = now() FROM pointing p
      WHERE r.organization_id = $1 AND r.id = p.id
      RETURNING r.id, r.public_id, p.was, {key} AS key, jsonb_build_object('public_id', r.public_id{named},
        'changed_fields', jsonb_build_array('{column}')) AS data),
    opened AS (
      INSERT INTO changeset (id, organization_id, source, actor_type, actor_id, label, reverts_id)
      SELECT $4, $1, $7, $5, $6, $8, $9 WHERE EXISTS (SELECT FROM moved) ON CONFLICT (id) DO NOTHING),
    recorded AS (
      INSERT INTO change_event (organization_id, changeset_id, record_type, record_id, record_public_id, action,
        actor_type, actor_id, before, after)
      SELECT $1, $4, '{table}', id, public_id, 'update', $5, $6, jsonb_build_object('{column}', was),
        jsonb_build_object('{column}', $3::uuid) FROM moved),
    told AS (
      INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data, key)
      SELECT $1, '{table}.updated', '{table}', id::text, $5, $6, data, key FROM moved WHERE $10)
    SELECT count(*) FROM moved"""
