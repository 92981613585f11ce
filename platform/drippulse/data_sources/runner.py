"""Carrying runs out, portion by portion.

A portion's records, their audit, their events, what was wrong, and the place where the next one begins commit together,
and only as long as the run is ours: whoever dies in between loses nothing. A source that cannot go on in the middle is
read again from its beginning; its rows mean the same records, so that nothing is there twice. While the source is asked
no transaction of ours is open. The source's own cursor moves when a run has come to its end, because rows need not come
in its order.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson
import structlog

from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.sink import Outcome, RecordSink, Written
from drippulse.data_sources import queries, run_queries
from drippulse.data_sources.definitions import Definition, read_definition
from drippulse.data_sources.errors import RunTakenOverError, SourceError
from drippulse.data_sources.opening import Opening
from drippulse.data_sources.presentation import counts_of
from drippulse.data_sources.reading import ACTOR, last_cursor, mapper_of, target_of
from drippulse.data_sources.rows import Mapped, RowMapper, original_of
from drippulse.data_sources.run_queries import Progress
from drippulse.data_sources.sources.base import Batch, Source, Start
from drippulse.data_sources.tables import RunStatus
from drippulse.events.service import SystemActor, append
from drippulse.kit.db import Database, Record, Role
from drippulse.kit.errors import DomainError
from drippulse.kit.failpoint import failpoint
from drippulse.kit.json import dump_json

LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 5
"""So often a run is begun without writing a portion: what kills its process must not do so for ever."""
MOST_PROBLEMS: Final = 10_000
"""So many are kept of one run; all are counted."""
AWAY: Final = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


async def claim_next(database: Database) -> tuple[Record, UUID] | None:
    """The run that waits longest, ours from now on; None when none waits."""
    token = uuid4()
    async with database.session(Role.ENGINE) as session:
        row = await run_queries.claim(session, token, LEASE)
    return None if row is None else (row, token)


async def run_next(opening: Opening, portion_rows: int | None = None) -> bool:
    """Carry out the run that waits longest; False when none waits."""
    claimed = await claim_next(opening.database)
    if claimed is not None:
        await carry_out(opening, *claimed, portion_rows=portion_rows)
    return claimed is not None


async def carry_out(opening: Opening, row: Record, token: UUID, portion_rows: int | None = None) -> None:
    """To its end, or until it is somebody else's. What is wrong with it ends it and nothing else."""
    failpoint("data_source.claimed")
    job = _Job(opening, row, token, portion_rows)
    if row["attempts"] > MOST_ATTEMPTS:
        await job.fail("The run was begun again and again and came no further; what is written so far is kept.")
        return
    try:
        await job.work_while_ours()
    except RunTakenOverError:
        log.info("data_source_run_taken_over", run_id=row["id"])
    except DomainError as error:
        await job.fail(error.message)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - what a source gives must not end the runs of others
        # Its text may hold what the source said: the kind of error will do.
        log.error("data_source_run_failed", run_id=row["id"], reason=type(error).__name__)
        await job.fail("Something went wrong on our side; what was written so far is kept.")


class _Job:
    """One run while it is ours."""

    def __init__(self, opening: Opening, row: Record, token: UUID, portion_rows: int | None) -> None:
        self._opening = opening
        self._database = opening.database
        self._row = row
        self._organization_id: int = row["organization_id"]
        self._id: int = row["id"]
        self._mine = (self._organization_id, self._id, token)
        self._problems: int = row["problem_count"]
        self._bytes: int = row["bytes"]
        self._portion_rows = portion_rows

    async def work_while_ours(self) -> None:
        """The work itself, ended as soon as the claim is lost: a slow source says nothing for long."""
        seconds = self._opening.limits.run_seconds
        working, keeping = asyncio.create_task(self._work()), asyncio.create_task(self._keep())
        try:
            done, _ = await asyncio.wait({working, keeping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise SourceError(f"The run took longer than {seconds:.0f} seconds; read less at once.")
            if working not in done:
                raise RunTakenOverError
            await working
        finally:
            for task in (working, keeping):
                task.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    async def fail(self, problem: str) -> None:
        await self._end(RunStatus.FAILED, problem)

    async def _keep(self) -> None:
        """Renew the claim until it is somebody else's."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 6)
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with self._database.tenant(self._organization_id) as session:
                    if not await run_queries.renew(session, self._mine, LEASE):
                        return

    async def _work(self) -> None:
        async with self._database.tenant(self._organization_id) as session:
            row = await queries.by_id(session, self._organization_id, self._row["data_source_id"])
            if row is None:
                raise RunTakenOverError
            definition = read_definition(row)
            custom = await load_custom_fields(session, definition.data.record_type, self._organization_id)
            mapper = mapper_of(definition, custom, self._opening.templates, self._row)
            sink = await RecordSink.open(session, target_of(definition, mapper, self._row["changeset_id"]))
        source = await self._opening.open(definition, custom, self._row["cursor_from"])
        await self._write_all(source, definition, mapper, sink)
        await self._end(RunStatus.COMPLETED, None, mapper.cursor_to)

    async def _write_all(self, source: Source, definition: Definition, mapper: RowMapper, sink: RecordSink) -> None:
        position = self._row["position"]
        start = Start(
            None if position is None else orjson.loads(position),
            self._row["row_number"],
            last_cursor(definition, self._row["cursor_from"]),
            self._portion_rows or sink.most_rows,
        )
        async with contextlib.aclosing(source.batches(start)) as batches:
            async for batch in batches:
                self._bytes += batch.size
                if self._bytes > self._opening.limits.run_bytes:
                    raise SourceError(f"The source gives more than {self._opening.limits.run_bytes} bytes in one run.")
                mapped = await asyncio.to_thread(mapper.take, batch)
                await self._write(sink, mapper, batch, mapped)

    async def _write(self, sink: RecordSink, mapper: RowMapper, batch: Batch, mapped: Mapped) -> None:
        portion = await asyncio.to_thread(sink.read, mapped.rows)
        await sink.prepare(self._database)
        async with self._database.tenant(self._organization_id) as session:
            written = await sink.write(session, portion)
            problems = _problems(mapped, written)
            kept = problems[: max(0, MOST_PROBLEMS - self._problems)]
            await run_queries.add_problems(session, self._organization_id, self._id, kept)
            counts = [written.counts.get(outcome, 0) for outcome in Outcome]
            counts[-1] += len(mapped.bad)
            failpoint("data_source.portion_written")
            progress = Progress(
                orjson.dumps(batch.position).decode(),
                batch.row_number,
                sink.target.changeset.id,
                mapper.cursor_to,
                None if mapper.mapping is None else dump_json(dict(mapper.mapping)),
                batch.size,
                (*counts, len(problems)),
            )
            if not await run_queries.commit(session, self._mine, progress, LEASE):
                raise RunTakenOverError
        self._problems += len(problems)
        failpoint("data_source.portion_committed")

    async def _end(self, status: RunStatus, problem: str | None, cursor: str | None = None) -> None:
        """With its event, and the source's cursor behind what was read."""
        async with self._database.tenant(self._organization_id) as session:
            row = await run_queries.finish(session, self._mine, status, problem)
            if row is None:
                return
            source_id = row["data_source_id"]
            if cursor is not None:
                await run_queries.move_cursor(session, self._organization_id, source_id, cursor, row["started_at"])
            await run_queries.forget_old(session, self._organization_id, source_id)
            actor = SystemActor(self._organization_id, ACTOR, source_id)
            await append(session, f"data_source_run.{status.value}", "data_source_run", self._id, actor, _told(row))


def _told(row: Record) -> dict[str, Any]:
    """What the event says of a run."""
    return {
        "data_source_id": row["data_source_id"],
        "name": row["name"],
        "record_type": row["record_type"],
        "trigger": row["trigger"],
        "status": row["status"],
        "counts": counts_of(row),
        "changeset_id": row["changeset_id"],
        "problem": row["problem"],
    }


def _problems(mapped: Mapped, written: Written) -> Sequence[tuple[int, str, str, str, str]]:
    """With the rows as they stand in the source, in its order."""
    found = [
        (one.row, one.column, one.value, one.message, original_of(mapped.originals[one.row]))
        for one in written.problems
    ]
    found += [(bad.number, "", "", bad.message, " ".join(bad.cells).replace("\0", "")[:4_000]) for bad in mapped.bad]
    return sorted(found, key=lambda one: one[0])
