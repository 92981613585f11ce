"""Reads and writes of custom fields. Every statement names the organization."""

from typing import Any

from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

COLUMNS = """f.id, f.record_type, f.key, f.label, f.type, f.options, f.required, f.default_value, f.description,
f.created_at, f.updated_at"""
LIST = Source(
    name="custom_fields",
    columns=COLUMNS,
    source="FROM custom_field f WHERE f.organization_id = $1",
    key="f.id",
    sorts={"created_at": "f.id", "key": Sort("f.key", Kind.TEXT), "label": Sort("lower(f.label)", Kind.TEXT)},
    filters={"record_type": "f.record_type", "type": "f.type", "key": "f.key"},
    searched="(f.key || ' ' || f.label)",
)
INSERT = """INSERT INTO custom_field
  (organization_id, record_type, key, label, type, options, required, default_value, description)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"""
UPDATE = """UPDATE custom_field SET label = $3, options = $4, required = $5, default_value = $6, description = $7,
  updated_at = now() WHERE organization_id = $1 AND id = $2"""


async def definitions(session: Session, organization_id: int, kind: RecordType) -> list[Record]:
    """Oldest first."""
    sql = f"SELECT {COLUMNS} FROM custom_field f WHERE f.organization_id = $1 AND f.record_type = $2 ORDER BY f.id"
    return await session.fetch(sql, organization_id, kind.value)


async def by_id(session: Session, organization_id: int, field_id: int) -> Record | None:
    if not is_id(field_id):
        return None
    sql = f"SELECT {COLUMNS} FROM custom_field f WHERE f.organization_id = $1 AND f.id = $2 FOR UPDATE"
    return await session.fetchrow(sql, organization_id, field_id)


async def insert(session: Session, organization_id: int, *values: Any) -> int:
    return int(await session.fetchval(INSERT, organization_id, *values))


async def update(session: Session, organization_id: int, field_id: int, *values: Any) -> None:
    await session.execute(UPDATE, organization_id, field_id, *values)


async def delete(session: Session, organization_id: int, field_id: int) -> None:
    sql = "DELETE FROM custom_field WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, field_id)
