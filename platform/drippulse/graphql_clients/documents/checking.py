"""What a checker of documents tells. Whoever puts the process together hands in the one that knows the schema."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a document cannot be run, and where: line and column from 1, or None when it is the document as a whole."""

    code: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.message if self.line is None else f"{self.line}:{self.column}: {self.message}"


DocumentCheck: TypeAlias = Callable[[str], list[Flaw]]
"""From a document's text to its flaws; none when it parses, is within the limits and fits the schema."""
