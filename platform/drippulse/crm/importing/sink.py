"""Where rows from files and data sources go: read and checked without the database, written in portions with it.

A portion is written inside the caller's transaction, so that the caller's cursor commits with the rows. All portions of
one run belong to one changeset: keep `target.changeset.id` with the cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.importing.custom import CustomFields, load_custom_fields
from drippulse.crm.importing.fields import OWNER
from drippulse.crm.importing.portions import Reading, columns_of, read_portion
from drippulse.crm.importing.rowwise import RowWriter
from drippulse.crm.importing.state import DedupeBy, OnExisting, Outcome, Portion, Problem, Written, default_dedupe
from drippulse.crm.importing.writer import PortionWriter
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Database, Role, Session

__all__ = [
    "MOST_ROWS",
    "DedupeBy",
    "OnExisting",
    "Outcome",
    "Portion",
    "Problem",
    "RecordSink",
    "Target",
    "Written",
]

MOST_ROWS: Final = 4_000
MOST_SLOW_ROWS: Final = 500
REFUSALS: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go and how.

    Args:
        changeset: of all portions; `quiet` means no events. After a restart give its stored id again.
        dedupe_by: by what a row means a record that exists, the first first; empty: by all that the type has.
        tags: added to every row's record.
        owner_id: of records whose row names no owner.
        constants: further fields that rows have which do not say otherwise.
        date_order: what `01/02/2026` means, `dmy` or `mdy`; None: such a cell is refused.
    """

    kind: RecordType
    actor: Actor
    changeset: OpenChangeset
    on_existing: OnExisting = OnExisting.UPDATE
    dedupe_by: tuple[DedupeBy, ...] = ()
    tags: tuple[str, ...] = ()
    owner_id: int | None = None
    constants: Mapping[str, str] | None = None
    date_order: str | None = None


class RecordSink:
    """Writes rows to one collection of one organization."""

    def __init__(self, target: Target, custom: CustomFields) -> None:
        dedupe_by = target.dedupe_by or default_dedupe(target.kind)
        owner = {} if target.owner_id is None else {OWNER: str(target.owner_id)}
        self.target = target
        self.most_rows = MOST_SLOW_ROWS if target.kind is RecordType.OPPORTUNITY else MOST_ROWS
        """Rows of a portion, at most."""
        self._reading = Reading(
            target.kind,
            dedupe_by,
            target.on_existing,
            {**(target.constants or {}), **owner},
            target.tags,
            target.date_order,
            custom.check,
            custom.required,
        )
        how = (target.kind, target.actor, target.changeset, target.on_existing, dedupe_by)
        one_by_one = target.kind is RecordType.OPPORTUNITY
        self._writer = RowWriter(*how) if one_by_one else PortionWriter(*how, custom.defaults)

    @classmethod
    async def open(cls, session: Session, target: Target) -> "RecordSink":
        """With the organization's custom fields as they are now."""
        return cls(target, await load_custom_fields(session, target.kind, target.actor.organization_id))

    def read(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Portion:
        """Rows with their numbers, by field name. Computes for long; may run in a thread."""
        return self.read_columns([number for number, _ in rows], columns_of([row for _, row in rows]))

    def read_columns(self, numbers: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> Portion:
        """The same from columns of texts."""
        return read_portion(self._reading, numbers, columns)

    async def prepare(self, database: Database) -> None:
        """Before each portion of a run: refreshes the statistics of a table that has doubled.

        Their count of pages survives a rollback, they themselves do not: after one they would be missing, and with them
        the plans that look up instead of reading everything. So this is no part of the portion's transaction.
        """
        await database.in_one_message(Role.APP, f"SELECT drippulse_refresh_statistics('{self.target.kind.value}')")

    async def write(self, session: Session, portion: Portion) -> Written:
        """In the caller's transaction, which sees one organization or runs as the engine.

        What was read can be written once more after a rollback: the portion itself is left as it was.
        """
        copy = portion.copy()
        await self._write(session, copy, copy.pending)
        outcomes = [outcome or Outcome.FAILED for outcome in copy.outcomes]
        return Written(outcomes, sorted(copy.problems, key=lambda problem: problem.row), copy.records)

    async def _write(self, session: Session, portion: Portion, indexes: Sequence[int]) -> None:
        """All at once, else in halves: what the database refuses for a reason of its own is one row's problem."""
        attempt = portion.part(indexes)
        try:
            async with session.savepoint():
                await self._writer.write(session, attempt)
        except REFUSALS as error:
            if len(indexes) == 1:
                portion.refuse(indexes[0], "", "", f"The database refuses this row: {error}")
                return
            middle = len(indexes) // 2
            await self._write(session, portion, indexes[:middle])
            await self._write(session, portion, indexes[middle:])
        else:
            portion.take(attempt, indexes)
