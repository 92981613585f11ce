"""The rows of a CSV file from any row on. A row that cannot be read is reported, and reading goes on behind it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from drippulse.crm.importing.lines import Blocks, Lines

MAX_CELL = 131_072
MOST_COLUMNS = 1_000
UNCLOSED = "A quotation mark is opened in this row and not closed."
TOO_LONG = f"A cell of this row is longer than {MAX_CELL} characters."


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that could not be read; `cells` is what of it can be shown."""

    number: int
    message: str
    cells: tuple[str, ...] = ()


@dataclass(slots=True)
class Rows:
    """Rows with their numbers, and where the file goes on. `numbers` and `cells` belong together."""

    numbers: list[int] = field(default_factory=list[int])
    cells: list[list[str]] = field(default_factory=list[list[str]])
    bad: list[Bad] = field(default_factory=list[Bad])
    position: int = 0
    row_number: int = 0
    at_end: bool = False


class RowReader:
    """Reads rows of at most `width` cells.

    Args:
        position: the byte at which a row begins, and `row_number` how many rows come before it.
        width: 0 takes rows of any width as they are.
    """

    def __init__(
        self, blocks: Blocks, encoding: str, delimiter: str, *, position: int = 0, row_number: int = 0, width: int = 0
    ) -> None:
        self._lines = Lines(blocks, encoding, position)
        self._delimiter = delimiter
        self._width = width
        self._row_number = row_number
        self._reader = self._new_reader()

    @property
    def nul_characters(self) -> bool:
        return self._lines.nul_characters

    def read(self, most_rows: int, most_bytes: int) -> Rows:
        """The next rows; rows without content are counted and left out."""
        rows, begin = Rows(), self._lines.position
        for found in self._records():
            if isinstance(found, Bad):
                rows.bad.append(found)
            elif found:
                rows.numbers.append(self._row_number)
                rows.cells.append(found)
            size = self._lines.position - begin
            if len(rows.numbers) + len(rows.bad) >= most_rows or size >= most_bytes:
                break
        else:
            rows.at_end = True
        rows.position, rows.row_number = self._lines.position, self._row_number
        return rows

    def _new_reader(self) -> "Iterator[list[str]]":
        csv.field_size_limit(MAX_CELL)
        return csv.reader(self._lines, delimiter=self._delimiter)

    def _records(self) -> "Iterator[list[str] | Bad]":
        """Rows as wide as they should be, [] for one without content."""
        lines = self._lines
        while True:
            lines.forget()
            start = lines.position
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                self._row_number += 1
                yield self._recovered(start)
                continue
            self._row_number += 1
            if len(lines.taken) > 1 and sum(line.text.count('"') for line in lines.taken) % 2:
                yield self._reread(start)
            elif lines.trouble:
                yield Bad(self._row_number, f"This row {lines.trouble}.", tuple(cells))
            else:
                yield self._fitted(cells)

    def _fitted(self, cells: list[str]) -> "list[str] | Bad":
        width = self._width
        if len(cells) < width:
            cells += [""] * (width - len(cells))
        elif 0 < width < len(cells):
            if any(cell.strip() for cell in cells[width:]):
                return Bad(self._row_number, f"This row has {len(cells)} cells, the header {width}.", tuple(cells))
            del cells[width:]
        return cells if any(cells) and any(map(str.strip, cells)) else []

    def _recovered(self, start: int) -> Bad:
        """After a cell that is too long: behind the row where its quotation marks are closed, else behind its first
        line."""
        lines = self._lines
        if lines.trouble:
            message = f"This row {lines.trouble}."
            self._reader = self._new_reader()
            return Bad(self._row_number, message)
        shown = (lines.taken[0].text[:MAX_CELL],) if lines.taken else ()
        open_marks = sum(line.text.count('"') for line in lines.taken) % 2
        first_end = start + (lines.taken[0].size if lines.taken else 0)
        while open_marks:
            lines.taken.clear()
            text = next(lines, None)
            if text is None:
                lines.seek(first_end)
                self._reader = self._new_reader()
                return Bad(self._row_number, UNCLOSED, shown)
            open_marks = (open_marks + text.count('"')) % 2
        self._reader = self._new_reader()
        return Bad(self._row_number, TOO_LONG, shown)

    def _reread(self, start: int) -> Bad:
        """A quotation mark that swallowed the rows after it: they are read again."""
        first = self._lines.taken[0]
        self._lines.seek(start + first.size)
        self._reader = self._new_reader()
        return Bad(self._row_number, UNCLOSED, (first.text.rstrip("\r\n"),))
