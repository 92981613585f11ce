"""What every kind of source is to the one that reads it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from drippulse.crm.importing.rows import Bad
from drippulse.data_sources.state import Cursor


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins.

    Args:
        position: of the batch that was written last, in the source's own words; None: at the beginning.
        row_number: rows read before it.
        cursor: only rows behind it are wanted. A source may give others; they are passed over.
        rows: of a batch, at most.
    """

    position: Mapping[str, Any] | None
    row_number: int
    cursor: Cursor | None
    rows: int


@dataclass(slots=True)
class Batch:
    """Rows with their numbers, and where reading goes on behind them.

    Args:
        rows: (number, row) each; a row is column -> value, nested where the source is.
        columns: the names of all columns, where the source knows them; None: those of the rows.
        mapping: column -> field, where the source has found it out by itself.
        position: JSON; reading that begins there gives what follows.
        size: bytes that were read for it.
    """

    rows: Sequence[tuple[int, Mapping[str, Any]]]
    position: Mapping[str, Any]
    row_number: int
    columns: Sequence[str] | None = None
    mapping: Mapping[str, str] | None = None
    bad: Sequence[Bad] = field(default_factory=list[Bad])
    size: int = 0


class Source(Protocol):
    """What a kind of source implements; a connector's stream joins in the same way."""

    def batches(self, start: Start) -> AsyncGenerator[Batch]:
        """Rows in batches, at least once each: what is read again after a break means the same records.

        Nothing is read ahead of the batch that was taken last. Raises SourceError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read and how long that may take; seconds and bytes.

    Args:
        file_bytes: of a file, unpacked.
        answer_bytes, document_bytes: of one page, and of a whole JSON document; as objects they take 20 times as much.
        call_seconds: one answer, from beginning to end.
        file_seconds: one file, from beginning to end.
        silence_seconds: between two pieces of an answer.
        run_bytes, run_seconds, pages: of a whole run.
        attempts: of a call that fails for the moment.
        pause_seconds: before the second attempt; doubles.
    """

    file_bytes: int = 1 << 30
    answer_bytes: int = 8 << 20
    document_bytes: int = 32 << 20
    call_seconds: float = 60
    file_seconds: float = 1_800
    silence_seconds: float = 30
    run_bytes: int = 10 << 30
    run_seconds: float = 4 * 3_600
    pages: int = 100_000
    attempts: int = 4
    pause_seconds: float = 1
    longest_pause_seconds: float = 120
