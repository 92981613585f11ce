"""How a file is read: its encoding, its delimiter, its columns and what they mean. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from drippulse.crm.importing.encodings import UTF_8, detect
from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.lines import Blocks
from drippulse.crm.importing.mapping import column_names, given_mapping, guess_mapping
from drippulse.crm.importing.rows import MOST_COLUMNS, RowReader
from drippulse.crm.tables import RecordType

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 100
HEAD = 1 << 20
"""Bytes of the beginning from which everything is guessed."""


class Layout(BaseModel):
    """`position` is the byte at which the rows begin, `row_number` how many rows came before them."""

    format: str
    encoding: str
    delimiter: str
    columns: list[str]
    mapping: dict[str, str]
    position: int
    row_number: int
    notices: list[str] = []

    @property
    def unmapped(self) -> list[str]:
        return [name for name in self.columns if name not in self.mapping]

    def fields(self) -> list[tuple[int, str]]:
        """(place of the column, field), of the columns that are read."""
        return [(place, self.mapping[name]) for place, name in enumerate(self.columns) if name in self.mapping]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says of the file; None is guessed."""

    encoding: str | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str | None] | None = None


def read_layout(
    kind: RecordType, head: bytes, *, utf8: bool, wanted: Wanted, custom: Mapping[str, str], file_format: str = "csv"
) -> Layout:
    """From the file's beginning. `utf8` says that all of it is UTF-8.

    Raises:
        UnreadableFileError: it is empty, has no header, too many columns or none that means anything.
        ValidationError: the mapping names what there is not.
    """
    found = detect(head, utf8=utf8, given=wanted.encoding)
    skip, delimiter = _first_line(head, found.name, found.skip)
    delimiter = wanted.delimiter or delimiter or _delimiter(head, found.name, skip)
    reader = RowReader(_blocks(head), found.name, delimiter, position=skip)
    header = reader.read(1, HEAD)
    if not header.cells:
        message = header.bad[0].message if header.bad else "The file is empty; its first row must name the columns."
        raise UnreadableFileError(message)
    names = column_names(header.cells[0])
    if len(names) > MOST_COLUMNS:
        raise UnreadableFileError(f"The header has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    sample = RowReader(_blocks(head), found.name, delimiter, position=header.position).read(SAMPLE_ROWS, HEAD).cells
    if wanted.mapping:
        mapping = given_mapping(kind, names, wanted.mapping, list(custom))
    else:
        mapping = guess_mapping(kind, names, sample, custom)
    if not mapping:
        raise UnreadableFileError(
            f"No column is recognized among {', '.join(names[:20])}. Say which is which with `mapping`."
        )
    notices = [*found.notices, *_nul_notice(reader)]
    return Layout(
        format=file_format,
        encoding=found.name,
        delimiter=delimiter,
        columns=names,
        mapping=mapping,
        position=header.position,
        row_number=header.row_number + (1 if skip > found.skip else 0),
        notices=notices,
    )


def read_delimiter(text: str | None) -> str | None:
    """As a caller writes it: a character, or its name. Raises UnreadableFileError."""
    names = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
    if text is None or text == "":
        return None
    found = names.get(text.strip().lower(), text)
    if len(found) != 1 or found in '"\r\n\0':
        sentence = "The delimiter must be one character, or one of comma, semicolon, tab, pipe."
        raise UnreadableFileError(sentence, errors={"delimiter": [sentence]})
    return found


def column_values(fields: Sequence[tuple[int, str]], cells: Sequence[Sequence[str]]) -> dict[str, Sequence[Any]]:
    """Columns by field from rows that are all as wide as the header."""
    turned = list(zip(*cells, strict=True))
    return {field: turned[place] for place, field in fields} if turned else {field: () for _, field in fields}


def _blocks(head: bytes) -> Blocks:
    def blocks(position: int) -> bytes:
        return head[position:]

    return blocks


def _first_line(head: bytes, encoding: str, skip: int) -> tuple[int, str | None]:
    """Excel's own way to name the delimiter: a first line `sep=;`."""
    start = head[skip : skip + 40].decode(encoding, "ignore")
    line, end, _ = start.partition("\n")
    if end and line.lower().startswith("sep=") and len(line.rstrip("\r")) == 5:
        return skip + len((line + end).encode(encoding)), line[4]
    return skip, None


def _delimiter(head: bytes, encoding: str, skip: int) -> str:
    """The candidate that divides the first rows into most columns, most evenly; a comma when none does."""
    scores = [(_evenness(head, encoding, skip, one), -place) for place, one in enumerate(DELIMITERS)]
    _, place = max(scores)
    return DELIMITERS[-place]


def _evenness(head: bytes, encoding: str, skip: int, delimiter: str) -> int:
    reader = RowReader(_blocks(head[: skip + (HEAD >> 4)]), encoding, delimiter, position=skip)
    cells = reader.read(20, HEAD >> 4).cells
    if not cells or len(cells[0]) < 2:
        return 0
    even = sum(1 for row in cells if len(row) == len(cells[0]))
    return (len(cells[0]) - 1) * even


def _nul_notice(reader: RowReader) -> list[str]:
    return ["The file holds NUL characters; they are left out."] if reader.nul_characters else []


__all__ = ["HEAD", "UTF_8", "Layout", "Wanted", "column_values", "read_delimiter", "read_layout"]
