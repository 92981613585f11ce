"""The members of an XLSX file, unpacked no further than they may grow."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from drippulse.crm.importing.errors import UnreadableFileError

MOST_MEMBERS = 2_000
MOST_BYTES = 2 << 30
"""Of all that is unpacked of one file."""
MOST_RATIO = 250
"""Unpacked to packed, of one member; real sheets stay below 50."""
FREE_BYTES = 1 << 20
PIECE = 1 << 16
DEEPEST = 64
DAMAGED = "The file is damaged: it is no XLSX that can be unpacked. Save it again, or as CSV."
BOMB = "The file unpacks to far more than it should; it is not read. Save it as CSV."

Attributes = dict[str, str]


@dataclass(slots=True)
class Handlers:
    """What is called for the elements of a document. Names come without their namespace."""

    start: Callable[[str, Attributes], None]
    end: Callable[[str], None]
    text: Callable[[str], None]


@dataclass(slots=True)
class Archive:
    """An XLSX file."""

    file: zipfile.ZipFile
    _unpacked: int = 0
    _names: set[str] = field(default_factory=set[str])

    @classmethod
    def open(cls, source: BinaryIO) -> "Archive":
        """Raises UnreadableFileError."""
        try:
            file = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, NotImplementedError):
            raise UnreadableFileError(DAMAGED) from None
        members = file.infolist()
        if len(members) > MOST_MEMBERS:
            raise UnreadableFileError(BOMB)
        if any(member.flag_bits & 1 for member in members):
            raise UnreadableFileError("The file is protected by a password; save it without one.")
        return cls(file, 0, {member.filename for member in members})

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def parse(self, name: str, handlers: Handlers) -> Iterator[None]:
        """Goes through an XML member piece by piece; between pieces the caller may stop.

        Raises:
            UnreadableFileError: damaged, too large, or with a document type, which is where entities are declared.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        depth = 0

        def start(tag: str, attributes: Attributes) -> None:
            nonlocal depth
            depth += 1
            if depth > DEEPEST:
                raise UnreadableFileError(DAMAGED)
            handlers.start(tag.rpartition(" ")[2], attributes)

        def end(tag: str) -> None:
            nonlocal depth
            depth -= 1
            handlers.end(tag.rpartition(" ")[2])

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = handlers.text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            for piece in self._pieces(name):
                parser.Parse(piece, False)
                yield
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise UnreadableFileError(DAMAGED) from None
        yield

    def read(self, name: str, handlers: Handlers) -> None:
        """All of a member at once."""
        for _ in self.parse(name, handlers):
            pass

    def _pieces(self, name: str) -> Iterator[bytes]:
        size = 0
        try:
            packed = self.file.getinfo(name).compress_size
            with self.file.open(name) as member:
                while piece := member.read(PIECE):
                    size += len(piece)
                    self._unpacked += len(piece)
                    if size > FREE_BYTES + packed * MOST_RATIO or self._unpacked > MOST_BYTES:
                        raise UnreadableFileError(BOMB)
                    yield piece
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, RuntimeError, NotImplementedError):
            raise UnreadableFileError(DAMAGED) from None


def _refuse_doctype(*_: object) -> None:
    raise UnreadableFileError("The file declares a document type, which no XLSX does; it is not read.")
