"""What an import would do with the first rows: they are written, looked at, and taken back."""

import asyncio
import tempfile
from dataclasses import dataclass
from typing import Any, BinaryIO

from drippulse.crm.importing.converting import csv_head
from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.layouts import HEAD, Layout, column_values, read_layout
from drippulse.crm.importing.presentation import count_outcomes
from drippulse.crm.importing.rows import Bad, RowReader, Rows
from drippulse.crm.importing.schemas import PREVIEW_ROWS, ImportOptions
from drippulse.crm.importing.sink import RecordSink
from drippulse.crm.importing.targets import target_of, wanted_of
from drippulse.crm.importing.trying import try_portion
from drippulse.crm.importing.uploads import Utf8Check
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Database, Session

MOST_UNPACKED = 32 << 20
"""Bytes of an XLSX file that is previewed."""


@dataclass(slots=True)
class FileHead:
    """The beginning of a file, or all of it where it is XLSX."""

    file_name: str
    head: bytes
    size: int
    utf8: bool
    spool: BinaryIO | None = None


class HeadReader:
    """Takes a file in and keeps what a preview needs."""

    def __init__(self) -> None:
        self.file_name = ""
        self.size = 0
        self._head = bytearray()
        self._utf8 = Utf8Check()
        self._spool = tempfile.SpooledTemporaryFile(max_size=HEAD)  # noqa: SIM115 - closed by `close`

    async def add(self, data: bytes) -> None:
        """Raises UnreadableFileError for an XLSX file that is too large to be looked at at once."""
        self.size += len(data)
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
            self._utf8.add(data)
        if self._head.startswith(b"PK"):
            if self.size > MOST_UNPACKED:
                raise UnreadableFileError(f"An XLSX file over {MOST_UNPACKED >> 20} MB is imported without a preview.")
            self._spool.write(data)

    def finish(self) -> FileHead:
        if self.size <= HEAD:
            self._utf8.add(b"", final=True)
        return FileHead(self.file_name, bytes(self._head), self.size, self._utf8.holds, self._spool)  # pyright: ignore[reportArgumentType] - it has all methods that are used

    def close(self) -> None:
        self._spool.close()


async def preview(
    database: Database, actor: Actor, kind: RecordType, file: FileHead, options: ImportOptions, rows: int = PREVIEW_ROWS
) -> dict[str, Any]:
    """As `ImportPreview`. Raises what `read_layout` does."""
    if not file.size:
        raise UnreadableFileError("The file is empty; its first row must name the columns.")
    kind_of_file = format_of(file.head)
    head, utf8, whole = file.head, file.utf8, file.size <= HEAD
    if kind_of_file == "xlsx":
        if file.spool is None:
            raise UnreadableFileError("Say dry_run before the file or in the query, so that the file is kept.")
        head, whole = await asyncio.to_thread(csv_head, file.spool)
        utf8 = True
    async with database.tenant(actor.organization_id) as session:
        custom = await load_custom_fields(session, kind, actor.organization_id)
        layout = read_layout(
            kind, head, utf8=utf8, wanted=wanted_of(options), custom=custom.labels, file_format=kind_of_file
        )
        found = _first_rows(head, layout, rows, whole=whole)
        shown = await _try(session, actor, kind, file.file_name, layout, options, found)
    return {
        "record_type": kind.value,
        "file_name": file.file_name,
        **{
            name: getattr(layout, name) for name in ("format", "encoding", "delimiter", "columns", "mapping", "notices")
        },
        "unmapped_columns": layout.unmapped,
        "counts": count_outcomes(one["outcome"] for one in shown),
        "rows": shown,
        "more_rows": not found.at_end or not whole,
    }


def _first_rows(head: bytes, layout: Layout, most: int, *, whole: bool) -> Rows:
    reader = RowReader(
        lambda position: head[position:],
        layout.encoding,
        layout.delimiter,
        position=layout.position,
        row_number=layout.row_number,
        width=len(layout.columns),
    )
    rows = reader.read(most, HEAD)
    if rows.at_end and not whole and rows.numbers:
        rows.numbers.pop()  # the beginning of the file ends somewhere in it
        rows.cells.pop()
    return rows


async def _try(
    session: Session,
    actor: Actor,
    kind: RecordType,
    file_name: str,
    layout: Layout,
    options: ImportOptions,
    rows: Rows,
) -> list[dict[str, Any]]:
    """Rows as `PreviewRow`, in the file's order."""
    quiet = options.model_copy(update={"suppress_automations": True})
    target = target_of(kind, actor.organization_id, None, file_name, quiet)
    sink = await RecordSink.open(session, target)
    portion = sink.read_columns(rows.numbers, column_values(layout.fields(), rows.cells))
    tried = await try_portion(session, sink, portion)
    shown = [tried.shown(index, number) for index, number in enumerate(rows.numbers)]
    shown += [_unreadable(bad) for bad in rows.bad]
    return sorted(shown, key=lambda one: one["row"])


def _unreadable(bad: Bad) -> dict[str, Any]:
    problem = {"column": "", "value": "", "message": bad.message}
    return {"row": bad.number, "outcome": "failed", "record": None, "changes": {}, "problems": [problem]}
