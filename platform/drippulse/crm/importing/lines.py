"""The lines of a file that is read in blocks: bounded, and never at a loss for where they are."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drippulse.crm.importing.encodings import OF_TWO_BYTES

MAX_LINE = 2_000_000
"""Bytes of a line; a longer one is passed over and named."""
SHOWN = 200
_ENDS = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")

Blocks = Callable[[int], bytes]
"""The bytes that begin at a position, as many as are at hand; none at the end. It may block."""


@dataclass(slots=True)
class Line:
    """`size` is in bytes; `trouble` says why the text is not to be trusted."""

    text: str
    size: int
    trouble: str = ""


@dataclass(slots=True)
class Lines:
    """Iterates over the texts of lines, ends included, as the csv module wants them.

    `position` is where the next line begins, `taken` are the lines since `forget`, of which `trouble` speaks.
    """

    blocks: Blocks
    encoding: str
    position: int = 0
    taken: list[Line] = field(default_factory=list[Line])
    trouble: str = ""
    nul_characters: bool = False
    _source: "Iterator[Line] | None" = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._source is None:
            self._source = (_wide if self.encoding in OF_TWO_BYTES else _narrow)(self, self.position)
        line = next(self._source)
        self.position += line.size
        self.taken.append(line)
        if line.trouble:
            self.trouble = line.trouble
        return line.text

    def forget(self) -> None:
        """Begin a new record."""
        self.taken.clear()
        self.trouble = ""

    def seek(self, position: int) -> None:
        self.forget()
        self.position, self._source = position, None


def _narrow(lines: Lines, position: int) -> Iterator[Line]:
    """Of encodings in which the byte 10 is a line's end and nothing else."""
    rest = b""
    while block := lines.blocks(position):
        position += len(block)
        pieces = _split(rest + block)
        rest = pieces.pop()
        for piece in pieces:
            yield _decoded(lines, piece)
        while len(rest) > MAX_LINE and b"\r" not in rest:
            skipped, rest, position = _pass_over(lines, len(rest), position)
            yield Line("", skipped, f"is a line of over {MAX_LINE} bytes, which is no row of a table")
    if rest:
        for piece in _ENDS.split(rest):
            if piece:
                yield _decoded(lines, piece)


def _split(data: bytes) -> list[bytes]:
    """Lines with their ends; what may go on in the next block comes last."""
    if data.count(b"\r") == data.count(b"\r\n") and not data.endswith(b"\r"):
        return _by_newline(data)
    pieces = [piece for piece in _ENDS.split(data) if piece]
    if pieces and pieces[-1].endswith(b"\n"):
        pieces.append(b"")
    return pieces or [b""]


def _by_newline(data: bytes) -> list[bytes]:
    pieces = data.split(b"\n")
    last = pieces.pop()
    return [*(piece + b"\n" for piece in pieces), last]


def _pass_over(lines: Lines, size: int, position: int) -> tuple[int, bytes, int]:
    """To behind the next line's end: bytes passed over, what was read behind them, and where reading goes on."""
    while block := lines.blocks(position):
        position += len(block)
        end = block.find(b"\n")
        if end >= 0:
            return size + end + 1, block[end + 1 :], position
        size += len(block)
    return size, b"", position


def _decoded(lines: Lines, piece: bytes) -> Line:
    size = len(piece)
    if size > MAX_LINE:
        return Line("", size, f"is a line of over {MAX_LINE} bytes, which is no row of a table")
    if b"\0" in piece:
        lines.nul_characters = True
        piece = piece.replace(b"\0", b"")
    try:
        return Line(piece.decode(lines.encoding), size)
    except UnicodeDecodeError as error:
        wrong = piece[error.start]
        trouble = f"holds the byte 0x{wrong:02X}, which is not {lines.encoding}; save the file as UTF-8"
        return Line(piece.decode(lines.encoding, "replace"), size, trouble)


def _wide(lines: Lines, position: int) -> Iterator[Line]:
    """Of UTF-16. A half of a character that stands alone becomes U+FFFD, which is as long."""
    decoder = codecs.getincrementaldecoder(lines.encoding)("replace")
    rest = ""
    while True:
        block = lines.blocks(position)
        position += len(block)
        text = rest + decoder.decode(block, final=not block)
        pieces = [piece for piece in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text) if piece]
        whole = block and pieces and not pieces[-1].endswith("\n")
        rest = pieces.pop() if whole else ""
        if len(rest) > MAX_LINE:
            pieces, rest = [*pieces, rest], ""
        for piece in pieces:
            yield _wide_line(lines, piece)
        if not block:
            return


def _wide_line(lines: Lines, piece: str) -> Line:
    size = len(piece.encode(lines.encoding, "surrogatepass"))
    if size > MAX_LINE:
        return Line("", size, f"is a line of over {MAX_LINE} bytes, which is no row of a table")
    if "\0" in piece:
        lines.nul_characters = True
        piece = piece.replace("\0", "")
    trouble = f"holds what is not {lines.encoding}; save the file as UTF-8" if "\ufffd" in piece else ""
    return Line(piece, size, trouble)
