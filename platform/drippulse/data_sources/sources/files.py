"""Tables in files: CSV, or XLSX that is made into CSV. The file is taken in whole before its first row is read."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from drippulse.crm.importing.converting import csv_pieces
from drippulse.crm.importing.custom import CustomFields
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.layouts import HEAD, Layout, Wanted, read_layout
from drippulse.crm.importing.rows import RowReader, Rows
from drippulse.crm.importing.uploads import Utf8Check
from drippulse.crm.tables import RecordType
from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.sources.base import Batch, Start
from drippulse.kit.errors import DomainError

BLOCK: Final = 1 << 20
BATCH_BYTES: Final = 4 << 20
MOST_UNPACKED: Final = 1 << 30

Fill = Callable[[BinaryIO], Awaitable[bool]]
"""Puts the file in; whether it is all of it. Raises SourceError."""


class Seekable(Protocol):
    """What is used of a file."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FileReading:
    """How a file is read. Its encoding, delimiter and mapping are guessed where `wanted` does not say them."""

    kind: RecordType
    wanted: Wanted
    custom: CustomFields


class TableFile:
    """Implements `Source`. After a break it goes on in the middle if the file is still the same."""

    def __init__(self, fill: Fill, reading: FileReading) -> None:
        self._fill = fill
        self._reading = reading

    async def batches(self, start: Start) -> AsyncGenerator[Batch]:
        with tempfile.TemporaryFile() as taken, tempfile.TemporaryFile() as unpacked:
            whole = await self._fill(taken)
            spool = await asyncio.to_thread(_as_csv, taken, unpacked)
            digest, size, utf8 = await asyncio.to_thread(_look_over, spool)
            layout = await asyncio.to_thread(self._layout, spool, utf8=utf8)
            known = start.position is not None and start.position.get("digest") == digest
            reader = RowReader(
                _blocks(spool),
                layout.encoding,
                layout.delimiter,
                position=int((start.position or {})["at"]) if known else layout.position,
                row_number=start.row_number if known else layout.row_number,
                width=len(layout.columns),
            )
            while True:
                rows = await asyncio.to_thread(reader.read, start.rows, BATCH_BYTES)
                if rows.at_end and not whole and rows.numbers:
                    rows.numbers.pop()  # the beginning of the file ends somewhere in it
                    rows.cells.pop()
                yield _batch(rows, layout, digest, size)
                size = 0
                if rows.at_end:
                    return

    def _layout(self, spool: Seekable, *, utf8: bool) -> Layout:
        """Raises SourceError."""
        spool.seek(0)
        reading = self._reading
        try:
            head = spool.read(HEAD)
            return read_layout(reading.kind, head, utf8=utf8, wanted=reading.wanted, custom=reading.custom.labels)
        except DomainError as error:
            raise SourceError(error.message) from None


def _batch(rows: Rows, layout: Layout, digest: str, size: int) -> Batch:
    found = [
        (number, dict(zip(layout.columns, cells, strict=True)))
        for number, cells in zip(rows.numbers, rows.cells, strict=True)
    ]
    position = {"digest": digest, "at": rows.position}
    return Batch(found, position, rows.row_number, layout.columns, layout.mapping, rows.bad, size)


def _as_csv(taken: BinaryIO, unpacked: BinaryIO) -> BinaryIO:
    """Raises SourceError for what is no table."""
    taken.seek(0)
    head = taken.read(1_024)
    try:
        if not head.strip():
            raise SourceError("The file is empty; its first row must name the columns.")
        if format_of(head) != "xlsx":
            return taken
        for piece in csv_pieces(taken):
            unpacked.write(piece)
            if unpacked.tell() > MOST_UNPACKED:
                raise SourceError(f"The table is larger than {MOST_UNPACKED} bytes when it is unpacked.")
    except DomainError as error:
        raise SourceError(error.message) from None
    return unpacked


def _look_over(spool: BinaryIO) -> tuple[str, int, bool]:
    """The file's digest, its size, and whether all of it is UTF-8."""
    digest, check, size = hashlib.sha256(), Utf8Check(), 0
    spool.seek(0)
    while block := spool.read(BLOCK):
        digest.update(block)
        check.add(block)
        size += len(block)
    check.add(b"", final=True)
    return digest.hexdigest(), size, check.holds


def _blocks(spool: BinaryIO) -> Callable[[int], bytes]:
    def blocks(position: int) -> bytes:
        spool.seek(position)
        return spool.read(BLOCK)

    return blocks
