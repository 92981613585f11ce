"""Contacts from CSV files as real systems export them, streamed: only the addresses seen are kept in memory."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drippulse.enrollments.csv_encoding import TextShape, lines_of, text_shape
from drippulse.enrollments.csv_headers import Header, read_header
from drippulse.enrollments.errors import CsvFileError
from drippulse.kit.addresses import normalize_address

MAX_CELL = 1_000_000
DELIMITERS = ",;\t|"
SAMPLE = 65_536


class ProblemKind(StrEnum):
    """Why a row is not enrolled."""

    DUPLICATE = "duplicate"
    MISSING_ADDRESS = "missing_address"
    INVALID_ADDRESS = "invalid_address"
    RAGGED = "ragged"


@dataclass(frozen=True, slots=True)
class Problem:
    """`value` is what stands in the file."""

    kind: ProblemKind
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row that begins at `line` (from 1). `contact` is None when it is left out; `problem` may be there beside it."""

    line: int
    contact: dict[str, str] | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read one file. `notices` are sentences about what was guessed and the reader should know."""

    path: Path
    text: TextShape
    delimiter: str
    header: Header
    rows: int
    notices: tuple[str, ...]


def read_layout(path: Path) -> Layout:
    """Look through the whole file once, so that a file that cannot be read to its end is refused before a row is used.

    Raises:
        CsvFileError: no such file, no header, no readable text, a cell over 1 MB (an unclosed quotation mark, mostly).
    """
    text = text_shape(path)
    delimiter = _delimiter(path, text)
    records = _records(path, text, delimiter)
    first = next(records, None)
    if first is None:
        raise CsvFileError(f"{path} is empty; its first line must name the columns.")
    header = read_header(first[1])
    rows = sum(1 for _ in records)
    return Layout(path, text, delimiter, header, rows, (*text.notices, *header.notices))


def read_rows(layout: Layout, *, keep_invalid: bool = False) -> Iterator[ImportRow]:
    """The rows after the header; blank lines are none. Of rows with one address the first is kept.

    Args:
        keep_invalid: keep rows without a valid address, and with too many cells, all the same.

    Raises:
        CsvFileError: the file changed since `read_layout`.
    """
    records = _records(layout.path, layout.text, layout.delimiter)
    next(records, None)
    seen: dict[str, int] = {}
    for line, cells in records:
        problem = _ragged(layout.header, cells) or _bad_address(layout.header, cells)
        address = _address(layout.header, cells)
        if problem is None or keep_invalid:
            earlier = seen.setdefault(address.casefold(), line) if address else line
            if earlier != line:
                message = f"The address is already in line {earlier}; the first row is kept."
                yield ImportRow(line, None, Problem(ProblemKind.DUPLICATE, address, message))
                continue
        kept = problem is None or keep_invalid
        yield ImportRow(line, layout.header.contact(cells, address) if kept else None, problem)


def _records(path: Path, text: TextShape, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of every record that is not blank."""
    csv.field_size_limit(MAX_CELL)
    raw: list[str] = []
    reader = csv.reader(_kept(lines_of(path, text), raw), delimiter=delimiter)
    line = begun = 1
    left_open = False
    try:
        for cells in reader:
            begun, line = line, reader.line_num + 1
            left_open = len(raw) > 1 and "".join(raw).count('"') % 2 == 1
            raw.clear()
            if any(cell.strip() for cell in cells):
                yield begun, cells
        if left_open:
            line = begun
            raise csv.Error("a cell goes on to the end of the file")
    except csv.Error as error:
        raise CsvFileError(
            f"{path}, the row that begins in line {line}, cannot be read: {error}. A quotation mark that is opened and "
            "not closed is the usual reason."
        ) from None


def _kept(lines: Iterator[str], raw: list[str]) -> Iterator[str]:
    """Passes lines on and keeps them in `raw`, for a look at the record they make."""
    for line in lines:
        raw.append(line)
        yield line


def _delimiter(path: Path, text: TextShape) -> str:
    """The candidate that stands most often in the header outside of quotes; a comma when none does."""
    sample = ""
    for line in lines_of(path, text):
        sample += line
        if (sample.strip() and sample.count('"') % 2 == 0) or len(sample) > SAMPLE:
            break
    bare = "".join(sample.split('"')[::2])
    return max(DELIMITERS, key=lambda candidate: (bare.count(candidate), -DELIMITERS.index(candidate)))


def _address(header: Header, cells: Sequence[str]) -> str:
    """The normalized address, else what stands there."""
    raw = header.email(cells)
    return normalize_address(raw) or raw


def _bad_address(header: Header, cells: Sequence[str]) -> Problem | None:
    raw = header.email(cells)
    if not raw:
        return Problem(ProblemKind.MISSING_ADDRESS, "", "There is no e-mail address.")
    if normalize_address(raw) is None:
        return Problem(ProblemKind.INVALID_ADDRESS, raw[:320], f'"{raw[:100]}" is not an e-mail address.')
    return None


def _ragged(header: Header, cells: Sequence[str]) -> Problem | None:
    """More cells than columns: an unquoted delimiter has moved the rest to the wrong place."""
    extra = [cell for cell in cells[len(header.keys) :] if cell.strip()]
    if not extra:
        return None
    message = f"The row has {len(cells)} cells, the header {len(header.keys)}."
    return Problem(ProblemKind.RAGGED, extra[0].strip()[:320], message)
