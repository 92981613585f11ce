"""A contact list as real exports are: 1,000 rows with everything that is wrong with them, always the same."""

import csv
import io
from dataclasses import dataclass

FIRST = ("Zoë", "José", "Łukasz", "Ayşe", "Anna", "Nguyễn", "Dmitrij", "Élodie", "Søren", "李")
LAST = ("Müller", "O'Brien", "García, Jr.", 'van "Vince" Dyk', "Ångström", "Šimić", "Öztürk", "Smith", "Köhler", "小龍")
INVALID = (
    "nobody",
    "a@b",
    "two words@example.com",
    "x@@example.com",
    "=cmd@",
    "n/a",
    "@example.com",
    "ana@exa mple.com",
)
HEADER = ("E-Mail Address", "First Name", "Last Name", "Company Name", "Notes", "", "Company Name")
ROWS = 1_000


@dataclass(frozen=True, slots=True)
class MessyCsv:
    """The file and what must come of it."""

    content: bytes
    rows: int
    enrolled: int
    duplicates: int
    missing: int
    invalid: int
    ragged: int


def messy_csv(rows: int = ROWS) -> MessyCsv:
    """Every 20th row repeats an address in other letters, every 25th has none, every 40th a bad one, every 100th a cell
    too many; notes have line breaks and quotes inside. UTF-8 with a byte order mark and Windows line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    counts: dict[str, int] = dict.fromkeys(("enrolled", "duplicates", "missing", "invalid", "ragged"), 0)
    for number in range(1, rows + 1):
        kind, cells = _row(number)
        counts[kind] += 1
        writer.writerow(cells)
        if number % 50 == 0:
            text.write("\r\n")
    content = b"\xef\xbb\xbf" + text.getvalue().encode()
    return MessyCsv(content, rows, **counts)


def _row(number: int) -> tuple[str, list[str]]:
    first, last = FIRST[number % 10], LAST[number // 10 % 10]
    note = f'line one\nline "two" of {number}, and more' if number % 3 == 0 else ""
    address = f"person.{number}@example.com"
    cells = [f"  {address} " if number % 7 == 0 else address, first, last, f"Firma {number} GmbH", note, "x", "Group"]
    if number % 100 == 0:
        return "ragged", [*cells, "one too many"]
    if number % 40 == 0:
        return "invalid", [INVALID[number // 40 % len(INVALID)], *cells[1:]]
    if number % 25 == 0:
        return "missing", ["", *cells[1:]]
    if number % 20 == 0:
        return "duplicates", [f"PERSON.{number - 1}@Example.COM", *cells[1:]]
    return "enrolled", cells[:4] if number % 9 == 0 else cells
