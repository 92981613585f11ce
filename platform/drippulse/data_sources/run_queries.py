"""Reads and writes of runs. Every statement but those of the engine names the organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from drippulse.data_sources.tables import RunStatus, RunTrigger
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Column, where
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import ListRequest, listed, tail

SORTS = {"created_at": "r.id"}
COLUMNS: dict[str, str | Column] = {
    "data_source_id": "r.data_source_id",
    "status": "r.status",
    "trigger": "r.trigger",
    "created_at": "r.created_at",
}
ROW = """SELECT r.*, s.record_type FROM data_source_run r
JOIN data_source s ON s.organization_id = r.organization_id AND s.id = r.data_source_id
WHERE r.organization_id = $1"""
MOST_OF_ONE: Final = 2
"""Runs of one organization that are worked on at the same time, so that others have their turn."""
MOST_KEPT: Final = 1_000
"""Runs of one source whose history is kept."""
CLAIMABLE = f"""r.status IN ('queued', 'running') AND (r.claimed_until IS NULL OR r.claimed_until < now())
  AND (SELECT count(*) FROM data_source_run o WHERE o.organization_id = r.organization_id
       AND o.status = 'running' AND o.claimed_until > now()) < {MOST_OF_ONE}"""
CLAIM = f"""UPDATE data_source_run SET claim = $1, claimed_until = now() + $2::interval, status = 'running',
  attempts = attempts + 1, started_at = coalesce(started_at, now()), updated_at = now()
WHERE id = (SELECT r.id FROM data_source_run r WHERE {CLAIMABLE} ORDER BY r.updated_at, r.id LIMIT 1
  FOR UPDATE SKIP LOCKED) RETURNING *"""
MINE = "organization_id = $1 AND id = $2 AND claim = $3 AND status = 'running'"
COMMIT = f"""UPDATE data_source_run SET position = $4, row_number = $5, changeset_id = $6, cursor_to = $7, mapping = $8,
  bytes = bytes + $9, created_count = created_count + $10, updated_count = updated_count + $11,
  unchanged_count = unchanged_count + $12, skipped_count = skipped_count + $13,
  duplicate_count = duplicate_count + $14, failed_count = failed_count + $15, problem_count = problem_count + $16,
  attempts = 0, updated_at = now(), claimed_until = now() + $17::interval WHERE {MINE} RETURNING 1"""

Mine = tuple[int, int, UUID]
"""Organization, run and claim."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a portion adds to a run. `counts` are those of the outcomes and of the problems, in the table's order."""

    position: str
    row_number: int
    changeset_id: int | None
    cursor_to: str | None
    mapping: str | None
    size: int
    counts: Sequence[int]


async def insert(
    session: Session,
    organization_id: int,
    source_id: int,
    trigger: RunTrigger,
    cursor: str | None,
    actor: Actor,
    *,
    from_start: bool = False,
) -> int | None:
    """The new run's id; None when one of this source is under way."""
    return await session.fetchval(
        """INSERT INTO data_source_run
             (organization_id, data_source_id, trigger, cursor_from, actor_type, actor_id, from_start)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (organization_id, data_source_id) WHERE status IN ('queued', 'running') DO NOTHING
           RETURNING id""",
        *(organization_id, source_id, trigger.value, None if from_start else cursor),
        *(actor.actor_type, actor.actor_id, from_start),
    )


async def open_of(session: Session, organization_id: int, source_id: int) -> int | None:
    return await session.fetchval(
        """SELECT id FROM data_source_run WHERE organization_id = $1 AND data_source_id = $2
           AND status IN ('queued', 'running')""",
        *(organization_id, source_id),
    )


async def get(session: Session, organization_id: int, run_id: int) -> Record | None:
    return await session.fetchrow(f"{ROW} AND r.id = $2", organization_id, run_id) if is_id(run_id) else None


async def page(session: Session, organization_id: int, wanted: ListRequest, present: Any) -> dict[str, Any]:
    args: list[Any] = [organization_id]
    conditions = where(wanted.filters, COLUMNS, args)
    counted = f"SELECT count(*) FROM data_source_run r WHERE r.organization_id = $1{conditions}"
    total = int(await session.fetchval(counted, *args))
    end = tail(wanted.page, SORTS, "r.id", args)
    sql = ROW.replace("SELECT r.*", f"SELECT {end.value} AS cursor_value, r.*", 1) + conditions + end.sql
    return listed("data_source_runs", await session.fetch(sql, *args), wanted.page, present, total)


async def cancel(session: Session, organization_id: int, run_id: int) -> bool:
    """Whoever works on it stops; whether it was still under way."""
    done = await session.fetchval(
        """UPDATE data_source_run SET status = 'cancelled', claim = NULL, claimed_until = NULL, finished_at = now(),
             updated_at = now()
           WHERE organization_id = $1 AND id = $2 AND status IN ('queued', 'running') RETURNING 1""",
        *(organization_id, run_id),
    )
    return done is not None


async def finish(session: Session, mine: Mine, status: RunStatus, problem: str | None) -> Record | None:
    """The run as it ended, with its source's name; None when it is not ours any more."""
    return await session.fetchrow(
        f"""WITH done AS (
              UPDATE data_source_run SET status = $4, problem = $5, claim = NULL, claimed_until = NULL,
                finished_at = now(), updated_at = now() WHERE {MINE} RETURNING *)
            SELECT done.*, s.record_type, s.name FROM done
            JOIN data_source s ON s.organization_id = done.organization_id AND s.id = done.data_source_id""",
        *(*mine, status.value, problem),
    )


async def move_cursor(session: Session, organization_id: int, source_id: int, cursor: str, began: datetime) -> None:
    """Unless the source was changed since the run began: then it may be the cursor of another column."""
    await session.execute(
        "UPDATE data_source SET cursor = $3 WHERE organization_id = $1 AND id = $2 AND updated_at <= $4",
        *(organization_id, source_id, cursor, began),
    )


async def forget_old(session: Session, organization_id: int, source_id: int) -> None:
    await session.execute(
        """DELETE FROM data_source_run WHERE organization_id = $1 AND data_source_id = $2 AND id <= (
             SELECT r.id FROM data_source_run r WHERE r.organization_id = $1 AND r.data_source_id = $2
             ORDER BY r.id DESC OFFSET $3 LIMIT 1)""",
        *(organization_id, source_id, MOST_KEPT),
    )


async def commit(session: Session, mine: Mine, progress: Progress, lease: timedelta) -> bool:
    """Move on behind a portion; False when it is not ours any more, and the portion must not count."""
    args = (
        *(progress.position, progress.row_number, progress.changeset_id, progress.cursor_to, progress.mapping),
        *(progress.size, *progress.counts),
    )
    return await session.fetchval(COMMIT, *mine, *args, lease) is not None


async def add_problems(
    session: Session, organization_id: int, run_id: int, problems: Sequence[tuple[int, str, str, str, str]]
) -> None:
    """(row, column, value, message, the row as JSON) each."""
    await session.executemany(
        """INSERT INTO data_source_run_problem
             (organization_id, run_id, row_number, column_name, value, message, original)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        [(organization_id, run_id, *problem) for problem in problems],
    )


async def problems_after(session: Session, organization_id: int, run_id: int, after: int, limit: int) -> list[Record]:
    return await session.fetch(
        """SELECT id, row_number, column_name, value, message, original FROM data_source_run_problem
           WHERE organization_id = $1 AND run_id = $2 AND id > $3 ORDER BY id LIMIT $4""",
        *(organization_id, run_id, after, limit),
    )


async def claim(session: Session, token: UUID, lease: timedelta) -> Record | None:
    """As the engine: the run that waits longest, of any organization."""
    return await session.fetchrow(CLAIM, token, lease)


async def renew(session: Session, mine: Mine, lease: timedelta) -> bool:
    sql = f"UPDATE data_source_run SET claimed_until = now() + $4::interval WHERE {MINE} RETURNING 1"
    return await session.fetchval(sql, *mine, lease) is not None


async def anything_to_do(session: Session) -> bool:
    """As the engine."""
    return bool(await session.fetchval(f"SELECT EXISTS (SELECT 1 FROM data_source_run r WHERE {CLAIMABLE})"))
