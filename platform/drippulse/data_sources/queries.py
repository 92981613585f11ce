"""Reads and writes of data sources. Every statement but those of the engine names the organization."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

DEFINED: Final = ("name", "type", "status", "record_type", "config", "options", "schedule")
"""The columns that a caller writes."""
LAST = """LEFT JOIN LATERAL (
  SELECT r.id, r.status FROM data_source_run r
  WHERE r.organization_id = s.organization_id AND r.data_source_id = s.id ORDER BY r.id DESC LIMIT 1) last ON true"""
COLUMNS = "s.*, last.id AS last_run_id, last.status AS last_run_status"
LIST = Source(
    name="data_sources",
    columns=COLUMNS,
    source=f"FROM data_source s {LAST} WHERE s.organization_id = $1",
    key="s.id",
    sorts={"created_at": "s.id", "name": Sort("lower(s.name)", Kind.TEXT)},
    filters={
        "name": "s.name",
        "type": "s.type",
        "record_type": "s.record_type",
        "status": "s.status",
        "created_at": "s.created_at",
    },
    searched="s.name",
)
# Two schedulers at once: each takes what the other has not locked.
DUE = """SELECT s.id, s.organization_id, s.schedule, s.cursor, now() AS now, coalesce(o.timezone, 'UTC') AS timezone
FROM data_source s JOIN organization o ON o.id = s.organization_id
WHERE s.next_run_at <= now() ORDER BY s.next_run_at LIMIT $1 FOR UPDATE OF s SKIP LOCKED"""


async def by_id(session: Session, organization_id: int, source_id: int, *, lock: bool = False) -> Record | None:
    if not is_id(source_id):
        return None
    sql = f"SELECT {COLUMNS} FROM data_source s {LAST} WHERE s.organization_id = $1 AND s.id = $2"
    return await session.fetchrow(sql + (" FOR UPDATE OF s" if lock else ""), organization_id, source_id)


async def next_id(session: Session) -> int:
    """The id of a row that is about to be made: its ciphertext is bound to it."""
    return int(await session.fetchval("SELECT nextval('data_source_id_seq')"))


async def insert(
    session: Session,
    organization_id: int,
    source_id: int,
    values: Mapping[str, Any],
    secrets: tuple[bytes | None, list[str]],
    next_run_at: datetime | None,
) -> None:
    places = ", ".join(f"${number}" for number in range(6, 6 + len(DEFINED)))
    await session.execute(
        f"""INSERT INTO data_source (organization_id, id, secrets, secret_names, next_run_at, {", ".join(DEFINED)})
            VALUES ($1, $2, $3, $4, $5, {places})""",
        *(organization_id, source_id, *secrets, next_run_at, *(values[name] for name in DEFINED)),
    )


async def update(
    session: Session,
    organization_id: int,
    source_id: int,
    values: Mapping[str, Any],
    secrets: tuple[bytes | None, list[str]],
    next_run_at: datetime | None,
    *,
    keep_cursor: bool,
) -> None:
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(DEFINED, 7))
    await session.execute(
        f"""UPDATE data_source SET secrets = $3, secret_names = $4, next_run_at = $5,
              cursor = CASE WHEN $6 THEN cursor END, {sets}, updated_at = now()
            WHERE organization_id = $1 AND id = $2""",
        *(organization_id, source_id, *secrets, next_run_at, keep_cursor, *(values[name] for name in DEFINED)),
    )


async def delete(session: Session, organization_id: int, source_id: int) -> None:
    await session.execute("DELETE FROM data_source WHERE organization_id = $1 AND id = $2", organization_id, source_id)


async def timezone_of(session: Session, organization_id: int) -> str:
    found = await session.fetchval("SELECT timezone FROM organization WHERE id = $1", organization_id)
    return str(found or "UTC")


async def next_file_number(session: Session) -> int:
    return int(await session.fetchval("SELECT nextval('data_source_file_number')"))


async def add_chunk(
    session: Session, organization_id: int, source_id: int, file_number: int, number: int, data: bytes
) -> None:
    await session.execute(
        """INSERT INTO data_source_chunk (organization_id, data_source_id, file_number, number, data)
           VALUES ($1, $2, $3, $4, $5)""",
        *(organization_id, source_id, file_number, number, data),
    )


async def chunk(session: Session, organization_id: int, source_id: int, file_number: int | None, number: int) -> bytes:
    """Empty behind the last one."""
    found = await session.fetchval(
        """SELECT data FROM data_source_chunk
           WHERE organization_id = $1 AND data_source_id = $2 AND file_number = $3 AND number = $4""",
        *(organization_id, source_id, file_number, number),
    )
    return b"" if found is None else bytes(found)


async def set_file(
    session: Session, organization_id: int, source_id: int, file_number: int, name: str, size: int
) -> None:
    """From now on this is the file; chunks of all earlier ones go."""
    await session.execute(
        """UPDATE data_source SET file_number = $3, file_name = $4, file_bytes = $5, file_at = now(), updated_at = now()
           WHERE organization_id = $1 AND id = $2""",
        *(organization_id, source_id, file_number, name, size),
    )
    await session.execute(
        "DELETE FROM data_source_chunk WHERE organization_id = $1 AND data_source_id = $2 AND file_number < $3",
        *(organization_id, source_id, file_number),
    )


async def drop_file(session: Session, organization_id: int, source_id: int, file_number: int) -> None:
    await session.execute(
        "DELETE FROM data_source_chunk WHERE organization_id = $1 AND data_source_id = $2 AND file_number = $3",
        *(organization_id, source_id, file_number),
    )


async def due(session: Session, most: int) -> list[Record]:
    """As the engine: sources whose time has come, locked."""
    return await session.fetch(DUE, most)


async def set_next_run(session: Session, organization_id: int, source_id: int, at: datetime | None) -> None:
    sql = "UPDATE data_source SET next_run_at = $3 WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, source_id, at)
