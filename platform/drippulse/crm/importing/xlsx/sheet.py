"""The first sheet of an XLSX file as rows of texts: of a formula its value, of a date ISO 8601."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.rows import MAX_CELL, MOST_COLUMNS
from drippulse.crm.importing.xlsx.archive import DAMAGED, Archive, Attributes, Handlers
from drippulse.crm.importing.xlsx.texts import SharedTexts, read_date_styles, read_shared_texts

MOST_ROWS = 1_048_576
MOST_CELLS = 50_000_000
WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
TEXTS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
BEFORE_1900, OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - serial numbers have no zone
FALSE_LEAP_DAY = 60
LAST_SERIAL = 2_958_465
NOT_XLSX = "The file is an archive, but no XLSX. Save the sheet as XLSX or CSV."


@dataclass(slots=True)
class Sheet:
    """Rows as they are parsed, and what is needed to read their cells."""

    texts: SharedTexts
    dates: frozenset[int]
    base: datetime
    rows: list[list[str]] = field(default_factory=list[list[str]])
    row: list[str] = field(default_factory=list[str])
    parts: list[str] = field(default_factory=list[str])
    number: int = 0
    cells: int = 0
    size: int = 0
    place: int = -1
    kind: str = ""
    style: int = -1
    inside: bool = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            self._begin_cell(attributes)
        elif tag == "row":
            self._begin_row(attributes)
        self.inside = tag in {"v", "t"}

    def end(self, tag: str) -> None:
        self.inside = False
        if tag == "c":
            self.row += [""] * (self.place - len(self.row) + 1)
            self.row[self.place] = self._value("".join(self.parts))
        elif tag == "row":
            self.rows.append(self.row)
            self.row = []

    def text(self, piece: str) -> None:
        if self.inside and self.size <= MAX_CELL:  # one that is longer is refused with its row
            self.size += len(piece)
            self.parts.append(piece)

    def _begin_row(self, attributes: Attributes) -> None:
        given = attributes.get("r", "")
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else self.number + 1
        if not self.number < number <= MOST_ROWS:
            raise UnreadableFileError(DAMAGED)
        self.rows += [[] for _ in range(number - self.number - 1)]
        self.number, self.place = number, -1

    def _begin_cell(self, attributes: Attributes) -> None:
        self.cells += 1
        self.place = _column(attributes.get("r", ""), self.place + 1)
        if self.place >= MOST_COLUMNS or self.cells > MOST_CELLS:
            raise UnreadableFileError(
                f"The sheet has more than {MOST_COLUMNS} columns or {MOST_CELLS} cells; delete what is not needed."
            )
        self.kind = attributes.get("t", "n")
        style = attributes.get("s", "")
        self.style = int(style) if style.isascii() and style.isdigit() and len(style) < 9 else -1
        self.parts, self.size = [], 0

    def _value(self, text: str) -> str:
        if self.kind == "s":
            index = int(text) if text.isascii() and text.isdigit() else -1
            if not 0 <= index < len(self.texts):
                raise UnreadableFileError(DAMAGED)
            return self.texts[index]
        if self.kind == "b":
            return "true" if text == "1" else "false"
        if self.kind == "e":
            return ""  # an error is no value
        if self.kind in {"str", "inlineStr"} or not text:
            return text
        if self.kind == "d":
            return text
        return _dated(text, self.base) if self.style in self.dates else _number(text)


def read_sheet(source: BinaryIO) -> Iterator[list[list[str]]]:
    """Rows in small parts, some of them empty, from row 1 of the first sheet on; empty rows are [].

    Raises:
        UnreadableFileError: no XLSX, damaged, or far larger inside than outside.
    """
    archive = Archive.open(source)
    if WORKBOOK not in archive:
        raise UnreadableFileError(NOT_XLSX)
    target, base = _first_sheet(archive)
    texts = SharedTexts()
    if TEXTS in archive:
        for texts in read_shared_texts(archive, TEXTS):  # noqa: B007 - it is the same one each time
            yield []
    dates = read_date_styles(archive, STYLES) if STYLES in archive else frozenset[int]()
    sheet = Sheet(texts, dates, base)
    for _ in archive.parse(target, Handlers(sheet.start, sheet.end, sheet.text)):
        found, sheet.rows = sheet.rows, []
        yield found


def _first_sheet(archive: Archive) -> tuple[str, datetime]:
    sheets: list[str] = []
    targets: dict[str, str] = {}
    base = BEFORE_1900

    def workbook(tag: str, attributes: Attributes) -> None:
        nonlocal base
        if tag == "sheet" and attributes.get("state", "visible") == "visible":
            sheets.append(next((value for name, value in attributes.items() if name.endswith(" id")), ""))
        elif tag == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
            base = OF_1904

    def relations(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    archive.read(WORKBOOK, Handlers(workbook, lambda _: None, lambda _: None))
    if RELATIONS in archive:
        archive.read(RELATIONS, Handlers(relations, lambda _: None, lambda _: None))
    if not sheets:
        raise UnreadableFileError("The file has no sheet that can be seen.")
    target = targets.get(sheets[0], "worksheets/sheet1.xml")
    path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    if path not in archive:
        raise UnreadableFileError(DAMAGED)
    return path, base


def _column(reference: str, following: int) -> int:
    """`C5` is 2; without a reference it is the next one."""
    place = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        place = place * 26 + ord(letter) - 64
        if place > MOST_COLUMNS:
            return MOST_COLUMNS
    return place - 1 if place else following


def _number(text: str) -> str:
    """Without an exponent where that is possible: phone numbers are numbers to a spreadsheet."""
    try:
        value = float(text)
    except ValueError:
        return text
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if math.isfinite(value) else ""


def _dated(text: str, base: datetime) -> str:
    try:
        serial = float(text)
    except ValueError:
        return text
    if not 0 <= serial <= LAST_SERIAL:
        return text
    days = math.floor(serial)
    seconds = round((serial - days) * 86_400)
    if base is BEFORE_1900 and 0 < serial < FALSE_LEAP_DAY:
        days += 1
    moment = base + timedelta(days=days, seconds=seconds)
    if days == 0 and seconds:
        return moment.time().isoformat()
    return moment.isoformat() if seconds else moment.date().isoformat()
