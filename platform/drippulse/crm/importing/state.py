"""What an import is told and what becomes of its rows. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType

MOST_SHOWN = 1_000
"""Characters of a bad value that are kept."""


class OnExisting(StrEnum):
    """What becomes of a row whose record exists."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


class DedupeBy(StrEnum):
    """By what a row is recognized as a record that exists."""

    PUBLIC_ID = "public_id"
    EXTERNAL_ID = "external_id"
    EMAIL = "email"


class Outcome(StrEnum):
    """What became of a row, in the order in which the counts are stored. DUPLICATE: an earlier row of the same portion
    means the same record and took its values in."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the row with this number was not written. `column` is a field's name, `value` what stands there."""

    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a portion's rows, in their order."""

    outcomes: Sequence[Outcome]
    problems: Sequence[Problem]
    records: Mapping[int, UUID]
    """Index of the row -> its record; of portions that are tracked."""

    @property
    def counts(self) -> Mapping[Outcome, int]:
        return Counter(self.outcomes)


@dataclass(slots=True)
class Portion:
    """Rows that are read and checked, as columns of texts; "" is a value that was not given.

    `tags` and `objects` (attributes, custom fields) have one entry a row or are empty. `outcomes` holds None for rows
    that are still to be written. `lacking` names what a new record would need and the row has not.
    """

    numbers: Sequence[int]
    columns: dict[str, list[str]]
    tags: list[list[str]] = field(default_factory=list[list[str]])
    objects: dict[str, list[dict[str, object]]] = field(default_factory=dict[str, list[dict[str, object]]])
    lacking: list[str] = field(default_factory=list[str])
    outcomes: list[Outcome | None] = field(default_factory=list["Outcome | None"])
    problems: list[Problem] = field(default_factory=list[Problem])
    tracked: bool = False
    records: dict[int, UUID] = field(default_factory=dict[int, UUID])

    def __len__(self) -> int:
        return len(self.numbers)

    def copy(self) -> "Portion":
        """For one attempt to write it."""
        return replace(
            self, columns=dict(self.columns), outcomes=list(self.outcomes), problems=list(self.problems), records={}
        )

    def part(self, indexes: Sequence[int]) -> "Portion":
        """A copy in which these rows alone are to be written."""
        part = replace(self.copy(), problems=[])
        wanted = set(indexes)
        part.outcomes = [None if index in wanted else Outcome.SKIPPED for index in range(len(self))]
        return part

    def take(self, part: "Portion", indexes: Sequence[int]) -> None:
        """What became of these rows in a copy."""
        for index in indexes:
            self.outcomes[index] = part.outcomes[index]
        self.problems += part.problems
        self.records |= part.records

    @property
    def pending(self) -> list[int]:
        """Indexes of the rows that are still to be written."""
        return [index for index, outcome in enumerate(self.outcomes) if outcome is None]

    def refuse(self, index: int, column: str, value: str, message: str) -> None:
        self.outcomes[index] = Outcome.FAILED
        self.problems.append(Problem(self.numbers[index], column, value[:MOST_SHOWN], message))


def default_dedupe(kind: RecordType) -> tuple[DedupeBy, ...]:
    """By all that records of this type have, the surest first."""
    by_email = (DedupeBy.EMAIL,) if SPECS[kind].unique_by_email else ()
    return (DedupeBy.PUBLIC_ID, DedupeBy.EXTERNAL_ID, *by_email)
