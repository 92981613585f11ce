"""XLSX as CSV, so that both are read in the same way."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from drippulse.crm.importing.layouts import HEAD
from drippulse.crm.importing.rows import MAX_CELL
from drippulse.crm.importing.xlsx.sheet import read_sheet


def csv_pieces(source: BinaryIO) -> Iterator[bytes]:
    """UTF-8 with commas, in pieces of any size, some of them empty: what takes long gives way between them.

    Raises:
        UnreadableFileError: what `read_sheet` says.
    """
    for rows in read_sheet(source):
        if not rows:
            yield b""
            continue
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        for row in rows:
            # A text that is too long is refused where rows are read; here its beginning will do.
            writer.writerow([cell[: MAX_CELL + 1].replace("\0", "") for cell in row])
        yield text.getvalue().encode(errors="replace")


def csv_head(source: BinaryIO) -> tuple[bytes, bool]:
    """The beginning, and whether it is all."""
    source.seek(0)
    found = bytearray()
    for piece in csv_pieces(source):
        found += piece
        if len(found) > HEAD:
            return bytes(found[:HEAD]), False
    return bytes(found), True
