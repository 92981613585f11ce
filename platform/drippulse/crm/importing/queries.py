"""Reads and writes of imports. Every statement but those of the engine names the organization."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from drippulse.crm.importing.errors import ImportTakenOverError
from drippulse.crm.importing.tables import ImportStatus
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Column, where
from drippulse.kit.pagination import ListRequest, listed, tail

SORTS = {"created_at": "i.id"}
COLUMNS: dict[str, str | Column] = {
    "status": "i.status",
    "record_type": "i.record_type",
    "file_name": "i.file_name",
    "created_at": "i.created_at",
}
MOST_ORIGINAL = 2_000
"""Characters of a cell of a row that was refused which are kept."""
CLAIMABLE = """i.status IN ('queued', 'analysing', 'running')
  AND (i.claimed_until IS NULL OR i.claimed_until < now())"""
CLAIM = f"""UPDATE record_import SET claim = $1, claimed_until = now() + $2::interval, revision = revision + 1,
  attempts = attempts + 1, started_at = coalesce(started_at, now()), updated_at = now(),
  status = CASE WHEN layout IS NULL THEN 'analysing' ELSE 'running' END
WHERE id = (
  SELECT i.id FROM record_import i WHERE {CLAIMABLE} ORDER BY i.updated_at, i.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *"""
MINE = "organization_id = $1 AND id = $2 AND claim = $3 AND status IN ('analysing', 'running')"
COMMIT = f"""UPDATE record_import SET position = $4, row_number = $5, changeset_id = $6,
  created_count = created_count + $7, updated_count = updated_count + $8, unchanged_count = unchanged_count + $9,
  skipped_count = skipped_count + $10, duplicate_count = duplicate_count + $11, failed_count = failed_count + $12,
  problem_count = problem_count + $13, status = $14, revision = revision + 1, attempts = 0, updated_at = now(),
  claimed_until = now() + $15::interval,
  finished_at = CASE WHEN $14 = 'completed' THEN now() END
WHERE {MINE} RETURNING 1"""


async def create(
    session: Session,
    organization_id: int,
    record_type: str,
    file_name: str,
    options: str,
    actor: tuple[str, int | None],
) -> int:
    return int(
        await session.fetchval(
            """INSERT INTO record_import
               (organization_id, record_type, status, file_name, options, actor_type, actor_id)
             VALUES ($1, $2, 'uploading', $3, $4, $5, $6) RETURNING id""",
            organization_id,
            record_type,
            file_name,
            options,
            *actor,
        )
    )


async def add_chunk(
    session: Session, organization_id: int, import_id: int, part: int, number: int, data: bytes
) -> None:
    await session.execute(
        "INSERT INTO record_import_chunk (organization_id, import_id, part, number, data) VALUES ($1, $2, $3, $4, $5)",
        *(organization_id, import_id, part, number, data),
    )


async def chunk(session: Session, organization_id: int, import_id: int, part: int, number: int) -> bytes:
    """Empty behind the last one."""
    found = await session.fetchval(
        """SELECT data FROM record_import_chunk
           WHERE organization_id = $1 AND import_id = $2 AND part = $3 AND number = $4""",
        *(organization_id, import_id, part, number),
    )
    return b"" if found is None else bytes(found)


async def drop_chunks(session: Session, organization_id: int, import_id: int, part: int | None = None) -> None:
    await session.execute(
        """DELETE FROM record_import_chunk
           WHERE organization_id = $1 AND import_id = $2 AND ($3::smallint IS NULL OR part = $3)""",
        *(organization_id, import_id, part),
    )


async def queue(
    session: Session, organization_id: int, import_id: int, size: int, layout: str | None, position: int, *, utf8: bool
) -> Record:
    """The upload is complete."""
    row = await session.fetchrow(
        """UPDATE record_import SET status = 'queued', bytes = $3, layout = $4, position = $5, utf8 = $6,
             row_number = coalesce(($4::jsonb ->> 'row_number')::bigint, 0), revision = revision + 1,
             updated_at = now(), created_at = now()
           WHERE organization_id = $1 AND id = $2 AND status = 'uploading' RETURNING *""",
        *(organization_id, import_id, size, layout, position, utf8),
    )
    if row is None:
        raise ImportTakenOverError
    return row


async def forget(session: Session, organization_id: int, import_id: int) -> None:
    """Of an upload that did not become an import."""
    sql = "DELETE FROM record_import WHERE organization_id = $1 AND id = $2 AND status = 'uploading'"
    await session.execute(sql, organization_id, import_id)


async def get(session: Session, organization_id: int, import_id: int) -> Record | None:
    sql = "SELECT * FROM record_import WHERE organization_id = $1 AND id = $2 AND status <> 'uploading'"
    return await session.fetchrow(sql, organization_id, import_id)


async def page(session: Session, organization_id: int, wanted: ListRequest, present: Any) -> dict[str, Any]:
    args: list[Any] = [organization_id]
    conditions = "i.organization_id = $1 AND i.status <> 'uploading'" + where(wanted.filters, COLUMNS, args)
    total = int(await session.fetchval(f"SELECT count(*) FROM record_import i WHERE {conditions}", *args))
    end = tail(wanted.page, SORTS, "i.id", args)
    sql = f"SELECT i.*, {end.value} AS cursor_value FROM record_import i WHERE {conditions}{end.sql}"
    return listed("imports", await session.fetch(sql, *args), wanted.page, present, total)


async def end(
    session: Session, organization_id: int, import_id: int, status: ImportStatus, problem: str | None
) -> bool:
    """Cancelled or failed: whoever works on it stops. Whether it was still under way."""
    done = await session.fetchval(
        """UPDATE record_import SET status = $3, problem = $4, claim = NULL, claimed_until = NULL, finished_at = now(),
             updated_at = now(), revision = revision + 1
           WHERE organization_id = $1 AND id = $2 AND status IN ('queued', 'analysing', 'running') RETURNING 1""",
        *(organization_id, import_id, status.value, problem),
    )
    if done is not None:
        await drop_chunks(session, organization_id, import_id)
    return done is not None


async def mark_undone(session: Session, organization_id: int, import_id: int) -> None:
    await session.execute(
        """UPDATE record_import SET status = 'undone', updated_at = now(), revision = revision + 1
           WHERE organization_id = $1 AND id = $2 AND status IN ('completed', 'failed', 'cancelled')""",
        *(organization_id, import_id),
    )


async def add_problems(
    session: Session,
    organization_id: int,
    import_id: int,
    problems: Sequence[tuple[int, str, str, str, Sequence[str]]],
) -> None:
    """(row, column, value, message, cells of the row) each."""
    await session.executemany(
        """INSERT INTO record_import_problem
             (organization_id, import_id, row_number, column_name, value, message, original)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        [
            (organization_id, import_id, row, column, value, message, [cell[:MOST_ORIGINAL] for cell in cells])
            for row, column, value, message, cells in problems
        ],
    )


async def problems_after(
    session: Session, organization_id: int, import_id: int, after: int, limit: int
) -> list[Record]:
    return await session.fetch(
        """SELECT id, row_number, column_name, value, message, original FROM record_import_problem
           WHERE organization_id = $1 AND import_id = $2 AND id > $3 ORDER BY id LIMIT $4""",
        *(organization_id, import_id, after, limit),
    )


async def commit(
    session: Session,
    mine: tuple[int, int, UUID],
    place: tuple[int, int],
    changeset_id: int | None,
    counts: Sequence[int],
    status: ImportStatus,
    lease: timedelta,
) -> bool:
    """Move on behind a portion; False when it is not ours any more, and the portion must not count."""
    sql_args = (*mine, *place, changeset_id, *counts, status.value, lease)
    return await session.fetchval(COMMIT, *sql_args) is not None


async def set_layout(
    session: Session, mine: tuple[int, int, UUID], part: int, layout: str, position: int, row_number: int
) -> bool:
    return (
        await session.fetchval(
            f"""UPDATE record_import SET part = $4, layout = $5, position = $6, row_number = $7, status = 'running',
                  revision = revision + 1, updated_at = now() WHERE {MINE} RETURNING 1""",
            *(*mine, part, layout, position, row_number),
        )
        is not None
    )


async def claim(session: Session, token: UUID, lease: timedelta) -> Record | None:
    """As the engine: the import that waits longest, of any organization."""
    return await session.fetchrow(CLAIM, token, lease)


async def renew(session: Session, mine: tuple[int, int, UUID], lease: timedelta) -> bool:
    sql = f"UPDATE record_import SET claimed_until = now() + $4::interval WHERE {MINE} RETURNING 1"
    return await session.fetchval(sql, *mine, lease) is not None


async def release(session: Session, mine: tuple[int, int, UUID]) -> None:
    """Let another one have its turn."""
    sql = f"UPDATE record_import SET claim = NULL, claimed_until = NULL, updated_at = now() WHERE {MINE}"
    await session.execute(sql, *mine)


async def anything_to_do(session: Session) -> bool:
    """As the engine."""
    return bool(await session.fetchval(f"SELECT EXISTS (SELECT 1 FROM record_import i WHERE {CLAIMABLE})"))


async def give_up_uploads(session: Session, older_than: timedelta) -> None:
    """As the engine: uploads that broke off."""
    rows = await session.fetch(
        """UPDATE record_import SET status = 'failed', problem = 'The upload broke off; send the file again.',
             finished_at = now(), updated_at = now(), revision = revision + 1
           WHERE status = 'uploading' AND updated_at < now() - $1::interval RETURNING organization_id, id""",
        older_than,
    )
    for row in rows:
        await drop_chunks(session, row["organization_id"], row["id"])
