"""Reads and writes of many records. Every statement names the organization."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from piccolo.columns import Array

from drippulse.crm.lists import Wanted
from drippulse.crm.queries import LIVE
from drippulse.crm.records import SPECS, SQL_TYPES
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.json import dump_json


async def ids_where(session: Session, kind: RecordType, wanted: Wanted, most: int) -> list[UUID]:
    sql = f"SELECT r.id FROM {kind.value} r WHERE {wanted.condition} LIMIT {most}"
    return [row["id"] for row in await session.fetch(sql, *wanted.args)]


async def locked(session: Session, kind: RecordType, wanted: Wanted, ids: Sequence[UUID]) -> list[Record]:
    """Those of `ids` that `wanted` still finds, which nobody else changes until this transaction ends; by id, so that
    two who change the same records wait for each other instead of deadlocking."""
    sql = f"""SELECT {SPECS[kind].select} FROM {kind.value} r
              WHERE {wanted.condition} AND r.id = ANY (${len(wanted.args) + 1}::uuid[]) ORDER BY r.id FOR UPDATE"""
    return await session.fetch(sql, *wanted.args, list(ids))


async def update(
    session: Session, kind: RecordType, organization_id: int, values: Mapping[UUID, Mapping[str, Any]]
) -> dict[UUID, Record]:
    """Set the same columns of many records, each to values of its own; the rows as they are now, by id."""
    names = list(next(iter(values.values())))
    types = {name: _array_type(kind, name) for name in names}
    columns = [[_sent(kind, name, row[name]) for row in values.values()] for name in names]
    arrays = ", ".join(f"${place}::{types[name]}[]" for place, name in enumerate(names, start=3))
    changes = "".join(f", {name} = {_taken(kind, name)}" for name in names)
    rows = await session.fetch(
        f"""UPDATE {kind.value} r SET updated_at = now(){changes}
            FROM unnest($2::uuid[], {arrays}) AS x (id, {", ".join(names)})
            WHERE {LIVE} AND r.id = x.id RETURNING {SPECS[kind].select}""",
        organization_id,
        list(values),
        *columns,
    )
    return {row["id"]: row for row in rows}


async def soft_delete(session: Session, kind: RecordType, organization_id: int, ids: Sequence[UUID]) -> list[Record]:
    """The rows that were live."""
    return await session.fetch(
        f"""UPDATE {kind.value} r SET deleted_at = now(), updated_at = now()
            WHERE {LIVE} AND r.id = ANY ($2::uuid[]) RETURNING {SPECS[kind].select}""",
        organization_id,
        list(ids),
    )


def _array_type(kind: RecordType, name: str) -> str:
    """Lists are sent as JSON, because PostgreSQL's arrays of arrays are flat."""
    column = SPECS[kind].columns.get(name)
    if column is None:  # a derived key
        return "text"
    return "jsonb" if isinstance(column, Array) else SQL_TYPES[type(column)]


def _sent(kind: RecordType, name: str, value: Any) -> Any:
    return dump_json(value) if _is_list(kind, name) else value


def _taken(kind: RecordType, name: str) -> str:
    return f"ARRAY (SELECT jsonb_array_elements_text(x.{name}))" if _is_list(kind, name) else f"x.{name}"


def _is_list(kind: RecordType, name: str) -> bool:
    return isinstance(SPECS[kind].columns.get(name), Array)
