"""Carrying imports out, portion by portion.

A portion's records, their audit, their events, what was wrong and the place where the next one begins commit together,
and only as long as the import is ours: whoever dies in between loses nothing, and nothing is done twice. While one
portion is written the next is read.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson
import structlog

from drippulse.crm.importing import queries
from drippulse.crm.importing.converting import csv_pieces
from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.errors import ImportTakenOverError
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.layouts import HEAD, Layout, column_values, read_layout
from drippulse.crm.importing.rows import RowReader, Rows
from drippulse.crm.importing.schemas import ImportOptions
from drippulse.crm.importing.sink import Outcome, Portion, RecordSink, Written
from drippulse.crm.importing.tables import ImportStatus
from drippulse.crm.importing.targets import target_of, wanted_of
from drippulse.crm.importing.uploads import CHUNK
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Database, Record, Role
from drippulse.kit.errors import DomainError
from drippulse.kit.failpoint import failpoint

LEASE: Final = timedelta(seconds=60)
TURN_SECONDS: Final = 5.0
"""How long one import is worked on while others wait."""
MOST_BYTES: Final = 4 << 20
"""Bytes of the file that one portion is made of."""
MOST_ATTEMPTS: Final = 5
"""So often an import is begun without writing a portion: what kills its process must not do so for ever."""
MOST_PROBLEMS: Final = 100_000
"""So many are kept of one import; all are counted."""

log = structlog.get_logger(__name__)


async def run_next(database: Database, turn_seconds: float = TURN_SECONDS, portion_rows: int | None = None) -> bool:
    """Work on the import that waits longest, for a turn; False when none waits."""
    token = uuid4()
    async with database.session(Role.ENGINE) as session:
        row = await queries.claim(session, token, LEASE)
    if row is None:
        return False
    failpoint("import.claimed")
    job = _Job(database, row, token, portion_rows)
    if row["attempts"] > MOST_ATTEMPTS:
        await job.fail("The import was begun again and again and came no further; what is imported so far is kept.")
        return True
    keeping = asyncio.create_task(job.keep())
    try:
        await job.work(turn_seconds)
    except ImportTakenOverError:
        log.info("import_taken_over", import_id=row["id"])
    except DomainError as error:
        await job.fail(error.message)
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
        raise
    except Exception:  # what an import is made of must not end the imports of others
        log.exception("import_failed", import_id=row["id"])
        await job.fail("Something went wrong on our side; what was imported so far is kept, and can be undone.")
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    return True


@dataclass(slots=True)
class _Read:
    """Rows of the file and the portion made of them."""

    rows: Rows
    portion: Portion


class _Job:
    """One import while it is ours."""

    def __init__(self, database: Database, row: Record, token: UUID, portion_rows: int | None) -> None:
        self._database = database
        self._row = row
        self._organization_id: int = row["organization_id"]
        self._id: int = row["id"]
        self._mine = (self._organization_id, self._id, token)
        self._kind = RecordType(row["record_type"])
        self._options = ImportOptions.model_validate(orjson.loads(row["options"]), strict=False)
        self._part: int = row["part"]
        self._problems: int = row["problem_count"]
        self._portion_rows = portion_rows
        self._loop = asyncio.get_running_loop()

    async def work(self, turn_seconds: float) -> None:
        """Until its end, or until the turn of another one has come."""
        layout = None if self._row["layout"] is None else Layout.model_validate_json(self._row["layout"])
        position, row_number = int(self._row["position"]), int(self._row["row_number"])
        if layout is None:
            layout = await self._analyse()
            position, row_number = layout.position, layout.row_number
        label = self._row["file_name"]
        target = target_of(self._kind, self._organization_id, self._id, label, self._options, self._row["changeset_id"])
        async with self._database.tenant(self._organization_id) as session:
            sink = await RecordSink.open(session, target)
        reader = RowReader(
            self._blocks,
            layout.encoding,
            layout.delimiter,
            position=position,
            row_number=row_number,
            width=len(layout.columns),
        )
        await self._write_all(sink, reader, layout, turn_seconds)

    async def keep(self) -> None:
        """Renew the claim, for portions that take long."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with self._database.tenant(self._organization_id) as session:
                    await queries.renew(session, self._mine, LEASE)

    async def fail(self, problem: str) -> None:
        async with self._database.tenant(self._organization_id) as session:
            await queries.end(session, self._organization_id, self._id, ImportStatus.FAILED, problem)

    async def _write_all(self, sink: RecordSink, reader: RowReader, layout: Layout, turn_seconds: float) -> None:
        turn_ends = time.monotonic() + turn_seconds
        fields = layout.fields()
        reading = asyncio.create_task(asyncio.to_thread(self._read, sink, reader, fields))
        try:
            while True:
                read = await reading
                if not read.rows.at_end:
                    reading = asyncio.create_task(asyncio.to_thread(self._read, sink, reader, fields))
                await self._write(sink, read)
                if read.rows.at_end:
                    return
                if time.monotonic() > turn_ends and await self._others_wait():
                    async with self._database.tenant(self._organization_id) as session:
                        await queries.release(session, self._mine)
                    return
        finally:
            if not reading.done():
                with contextlib.suppress(Exception):
                    await reading

    def _read(self, sink: RecordSink, reader: RowReader, fields: Sequence[tuple[int, str]]) -> _Read:
        """In a thread."""
        rows = reader.read(self._portion_rows or sink.most_rows, MOST_BYTES)
        return _Read(rows, sink.read_columns(rows.numbers, column_values(fields, rows.cells)))

    async def _write(self, sink: RecordSink, read: _Read) -> None:
        rows = read.rows
        await sink.prepare(self._database)
        async with self._database.tenant(self._organization_id) as session:
            written = await sink.write(session, read.portion)
            problems = _problems(rows, written)
            kept = problems[: max(0, MOST_PROBLEMS - self._problems)]
            await queries.add_problems(session, self._organization_id, self._id, kept)
            counts = [written.counts.get(outcome, 0) for outcome in Outcome]
            counts[-1] += len(rows.bad)
            status = ImportStatus.COMPLETED if rows.at_end else ImportStatus.RUNNING
            failpoint("import.portion_written")
            if not await queries.commit(
                session,
                self._mine,
                (rows.position, rows.row_number),
                sink.target.changeset.id,
                (*counts, len(problems)),
                status,
                LEASE,
            ):
                raise ImportTakenOverError
            if rows.at_end:
                await queries.drop_chunks(session, self._organization_id, self._id)
        self._problems += len(problems)
        failpoint("import.portion_committed")

    async def _others_wait(self) -> bool:
        async with self._database.session(Role.ENGINE) as session:
            return await queries.anything_to_do(session)

    def _blocks(self, position: int) -> bytes:
        """The bytes from a position to the end of its chunk; in a thread."""
        number, offset = divmod(position, CHUNK)
        future = asyncio.run_coroutine_threadsafe(self._chunk(self._part, number), self._loop)
        return future.result()[offset:]

    async def _chunk(self, part: int, number: int) -> bytes:
        async with self._database.tenant(self._organization_id) as session:
            return await queries.chunk(session, self._organization_id, self._id, part, number)

    async def _analyse(self) -> Layout:
        """Unpack an XLSX file into chunks of CSV, and find out how it is read."""
        organization_id = self._organization_id
        async with self._database.tenant(organization_id) as session:
            await queries.drop_chunks(session, organization_id, self._id, part=1)  # of one who did not come to the end
            custom = await load_custom_fields(session, self._kind, organization_id)
        head, size = await self._unpack()
        failpoint("import.unpacked")
        wanted = wanted_of(self._options)
        layout = read_layout(self._kind, head, utf8=True, wanted=wanted, custom=custom.labels, file_format="xlsx")
        async with self._database.tenant(organization_id) as session:
            text = orjson.dumps({**layout.model_dump(), "size": size}).decode()
            place = (layout.position, layout.row_number)
            if not await queries.set_layout(session, self._mine, 1, text, *place):
                raise ImportTakenOverError
            await queries.drop_chunks(session, organization_id, self._id, part=0)
        self._part = 1
        return layout

    async def _unpack(self) -> tuple[bytes, int]:
        """The beginning of what came of it, and its size."""
        head, rest, number = b"", bytearray(), 0
        with tempfile.TemporaryFile() as spool:
            while data := await self._chunk(0, number):
                await asyncio.to_thread(spool.write, data)
                number += 1
            spool.seek(0)
            format_of(spool.read(8))
            pieces = csv_pieces(spool)
            number = 0
            while (piece := await asyncio.to_thread(_next_piece, pieces)) is not None:
                rest += piece
                head += piece[: max(0, HEAD - len(head))]
                while len(rest) >= CHUNK:
                    await self._store(number, bytes(rest[:CHUNK]))
                    del rest[:CHUNK]
                    number += 1
        await self._store(number, bytes(rest))
        return head, number * CHUNK + len(rest)

    async def _store(self, number: int, data: bytes) -> None:
        async with self._database.tenant(self._organization_id) as session:
            if not await queries.renew(session, self._mine, LEASE):
                raise ImportTakenOverError
            await queries.add_chunk(session, self._organization_id, self._id, 1, number, data)


ENOUGH = 1 << 18


def _next_piece(pieces: Any) -> bytes | None:
    """A good deal at once; None at the end."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= ENOUGH:
            return bytes(found)
    return bytes(found) or None


def _problems(rows: Rows, written: Written) -> list[tuple[int, str, str, str, Sequence[str]]]:
    """With the rows as they stand in the file, in its order."""
    cells = dict(zip(rows.numbers, rows.cells, strict=True)) if written.problems else {}
    found: list[tuple[int, str, str, str, Sequence[str]]] = [
        (one.row, one.column, one.value, one.message, cells.get(one.row, ())) for one in written.problems
    ]
    found += [(bad.number, "", "", bad.message, bad.cells) for bad in rows.bad]
    return sorted(found, key=lambda one: one[0])
