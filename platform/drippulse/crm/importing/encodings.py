"""Which encoding a file of text is in. Pure."""

import codecs
from dataclasses import dataclass

from drippulse.crm.importing.errors import UnreadableFileError

UTF_8, UTF_16_LE, UTF_16_BE, WINDOWS, LATIN_1 = "utf-8", "utf-16-le", "utf-16-be", "windows-1252", "iso-8859-1"
MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16_LE), (codecs.BOM_UTF16_BE, UTF_16_BE))
OF_TWO_BYTES = (UTF_16_LE, UTF_16_BE)
KNOWN = (
    UTF_8,
    UTF_16_LE,
    UTF_16_BE,
    WINDOWS,
    LATIN_1,
    "iso-8859-2",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "macintosh",
    "shift_jis",
    "gb18030",
    "big5",
    "euc-kr",
)
"""In none of them is the byte of a line's end a part of another character, but for those of two bytes."""
UNDEFINED_IN_WINDOWS = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
MISTAKES = 3
"""So many times more right than wrong sequences make a damaged UTF-8 file instead of one in another encoding."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """`skip` bytes of a mark come before the text."""

    name: str
    skip: int = 0
    notices: tuple[str, ...] = ()


def detect(head: bytes, *, utf8: bool, given: str | None = None) -> Encoding:
    """From the beginning of the file; `utf8` says whether all of it is UTF-8."""
    for mark, name in MARKS:
        if head.startswith(mark) and given in {None, name}:
            return Encoding(name, len(mark))
    if given is not None:
        return Encoding(given)
    if (wide := _two_bytes(head)) is not None:
        return Encoding(wide)
    if utf8 or _mostly_utf8(head):
        return Encoding(UTF_8)
    if UNDEFINED_IN_WINDOWS.isdisjoint(head):
        return Encoding(WINDOWS, 0, ("The file is not UTF-8; it is read as Windows-1252. Check the names.",))
    return Encoding(LATIN_1, 0, ("The file is not UTF-8; it is read as ISO 8859-1 (Latin 1). Check the names.",))


def read_encoding(name: str | None) -> str | None:
    """A known encoding by any of its names. Raises UnreadableFileError."""
    if name is None or not name.strip():
        return None
    plain = name.strip().lower()
    if plain in {"utf-16", "utf16"}:
        return UTF_16_LE
    try:
        wanted = codecs.lookup(plain).name
    except LookupError:
        wanted = ""
    for known in KNOWN:
        if codecs.lookup(known).name == wanted or (wanted == "utf-8-sig" and known == UTF_8):
            return known
    sentence = f'"{name[:40]}" is not an encoding that is read. It is one of {", ".join(KNOWN)}.'
    raise UnreadableFileError(sentence, errors={"encoding": [sentence]})


def _two_bytes(head: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of plain letters is NUL."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) < 2 or (even + odd) * 3 < len(head):
        return None
    return UTF_16_LE if odd > even else UTF_16_BE


def _mostly_utf8(head: bytes) -> bool:
    text = head.decode(UTF_8, "replace")
    wrong = text.count("\ufffd")
    right = sum(1 for character in text if character > "\x7f") - wrong
    return right > wrong * MISTAKES
