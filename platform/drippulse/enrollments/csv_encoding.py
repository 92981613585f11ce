"""Which encoding a text file is in, and its lines: bounded, without NUL characters."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drippulse.enrollments.errors import CsvFileError

MAX_LINE = 4_000_000
CHUNK = 1 << 20
UTF_8 = "utf-8-sig"
BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class TextShape:
    """An encoding's name, and what there is to say about it."""

    encoding: str
    notices: tuple[str, ...] = ()


def text_shape(path: Path) -> TextShape:
    """UTF-8 and UTF-16 by their marks, UTF-16 by its NUL bytes, UTF-8 when all of it is, else Windows-1252.

    Raises:
        CsvFileError: there is no such file, it may not be read, or it is no text.
    """
    try:
        with path.open("rb") as file:
            start = file.read(CHUNK)
        if start.startswith(b"PK\x03\x04"):
            raise CsvFileError(f"{path} is a spreadsheet or an archive; save it as CSV.")
        for mark, encoding in BYTE_ORDER_MARKS:
            if start.startswith(mark):
                return _proven(path, encoding)
        if len(start) > 1 and start.count(0) * 3 > len(start):
            return _proven(path, "utf-16-le" if start[1] == 0 else "utf-16-be")
        if _decodes(path, UTF_8):
            return TextShape(UTF_8, _nul_notice(start))
    except OSError as error:
        raise CsvFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    return TextShape(
        "cp1252", ("The file is not UTF-8; it is read as Windows-1252. Check the names.", *_nul_notice(start))
    )


def lines_of(path: Path, text: TextShape) -> Iterator[str]:
    """Lines with their ends, as the csv module wants them.

    Raises:
        CsvFileError: a line is over 4 million characters long, or not text.
    """
    errors = "replace" if text.encoding == "cp1252" else "strict"
    try:
        with path.open(encoding=text.encoding, errors=errors, newline="") as file:
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                if len(line) == MAX_LINE:
                    raise CsvFileError(f"{path}, line {number}, is over {MAX_LINE} characters long; this is no table.")
                yield line.replace("\x00", "")
    except UnicodeError:
        raise CsvFileError(f"{path} is not readable as {text.encoding}.") from None


def _proven(path: Path, encoding: str) -> TextShape:
    if not _decodes(path, encoding):
        raise CsvFileError(f"{path} begins as {encoding} and goes on as something else; save it as UTF-8.")
    return TextShape(encoding)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _nul_notice(start: bytes) -> tuple[str, ...]:
    return ("The file holds NUL characters; they are left out.",) if 0 in start else ()
