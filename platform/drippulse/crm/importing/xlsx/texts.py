"""The texts that the cells of an XLSX file share, and which of its number formats are dates."""

import re
from array import array
from collections.abc import Iterator

from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.xlsx.archive import Archive, Attributes, Handlers

MOST_TEXT = 96 << 20
"""Bytes of all shared texts together."""
BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)


class SharedTexts:
    """Kept as one run of bytes: a list of a million texts would take four times as much."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q")

    def add(self, text: str) -> None:
        self._bytes += text.encode(errors="replace")
        if len(self._bytes) > MOST_TEXT:
            raise UnreadableFileError(f"The file holds more than {MOST_TEXT >> 20} MB of texts; save it as CSV.")
        self._ends.append(len(self._bytes))

    def __getitem__(self, index: int) -> str:
        begin = self._ends[index - 1] if index else 0
        return self._bytes[begin : self._ends[index]].decode()

    def __len__(self) -> int:
        return len(self._ends)


def read_shared_texts(archive: Archive, name: str) -> Iterator[SharedTexts]:
    """The same object over and over, filled at the last; between the steps the caller may stop."""
    found = SharedTexts()
    parts: list[str] = []
    inside, aside = False, False

    def start(tag: str, _: Attributes) -> None:
        nonlocal inside, aside
        if tag == "si":
            parts.clear()
        elif tag == "rPh":
            aside = True  # how it is pronounced
        inside = tag == "t" and not aside

    def end(tag: str) -> None:
        nonlocal inside, aside
        if tag == "si":
            found.add("".join(parts))
        elif tag == "rPh":
            aside = False
        inside = False

    def text(piece: str) -> None:
        if inside:
            parts.append(piece)

    for _ in archive.parse(name, Handlers(start, end, text)):
        yield found


def read_date_styles(archive: Archive, name: str) -> frozenset[int]:
    """The indexes of cell formats whose numbers are dates or times."""
    custom: dict[int, bool] = {}
    found: list[bool] = []
    inside = False

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal inside
        if tag == "numFmt":
            plain = _QUOTED.sub("", attributes.get("formatCode", ""))
            custom[_whole(attributes.get("numFmtId"))] = _DATE_LETTERS.search(plain) is not None
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            number = _whole(attributes.get("numFmtId"))
            found.append(custom.get(number, number in BUILT_IN_DATES))

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag != "cellXfs"

    archive.read(name, Handlers(start, end, lambda _: None))
    return frozenset(index for index, is_date in enumerate(found) if is_date)


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else -1
