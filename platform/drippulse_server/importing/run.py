"""The import itself: rows in, batches out, a summary at the end."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from drippulse.enrollments.csv_import import ImportRow, ProblemKind
from drippulse_server.failures import CommandFailure
from drippulse_server.importing.api import Instance

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 4_000_000
SHOWN_PROBLEMS = 10


@dataclass(slots=True)
class Summary:
    """What became of the rows. `enrolled` counts what the instance confirmed, or would have got in a dry run."""

    read: int = 0
    enrolled: int = 0
    refused: int = 0
    problems: Counter[ProblemKind] = field(default_factory=Counter[ProblemKind])
    first: list[ImportRow] = field(default_factory=list[ImportRow])

    def add(self, row: ImportRow) -> None:
        self.read += 1
        if row.problem is not None:
            self.problems[row.problem.kind] += 1
            if len(self.first) < SHOWN_PROBLEMS:
                self.first.append(row)


class InterruptedImport(CommandFailure):
    """The instance stopped taking rows; `summary` says how far it went."""

    def __init__(self, failure: CommandFailure, summary: Summary, line: int) -> None:
        super().__init__(
            f"{failure.message} {summary.enrolled} contacts are enrolled; nothing is known of line {line} and after.",
            failure.code,
        )
        self.summary = summary


def import_rows(
    rows: Iterable[ImportRow],
    instance: Instance | None,
    workflow_id: int,
    timezone: str | None,
    watch: Callable[[ImportRow], None],
) -> Summary:
    """Enroll the rows that have a contact, in batches.

    Args:
        instance: None for a dry run.
        watch: is told of every row.

    Raises:
        InterruptedImport: the instance refused a batch or cannot be reached.
    """
    summary = Summary()

    def watched() -> Iterator[ImportRow]:
        for row in rows:
            summary.add(row)
            watch(row)
            if row.contact is not None:
                yield row

    for batch in batches(watched()):
        contacts = [row.contact for row in batch if row.contact is not None]
        if instance is None:
            summary.enrolled += len(contacts)
            continue
        try:
            answer = instance.enroll(workflow_id, contacts, timezone)
        except CommandFailure as failure:
            raise InterruptedImport(failure, summary, batch[0].line) from failure
        summary.enrolled += int(answer["created_count"])
        summary.refused += len(contacts) - int(answer["created_count"])
    return summary


def batches(rows: Iterable[ImportRow]) -> Iterator[list[ImportRow]]:
    """At most 1,000 rows and about 4 MB each."""
    batch: list[ImportRow] = []
    characters = 0
    for row in rows:
        size = sum(map(len, (row.contact or {}).values()))
        if batch and (len(batch) == BATCH_ROWS or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(row)
        characters += size
    if batch:
        yield batch
