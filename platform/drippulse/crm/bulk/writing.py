"""Writing changes of many records with a few statements: rows, their audit, their events."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drippulse.crm import bulk_reporting
from drippulse.crm.bulk import queries
from drippulse.crm.bulk_reporting import Update
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError

Change = Callable[[Record], dict[str, Any]]
"""From a record to the columns that change; raises DomainError for one that cannot be changed."""


@dataclass(slots=True)
class Outcome:
    """What became of the records; `failed` are ids with the reasons."""

    changed: int = 0
    unchanged: int = 0
    failed: list[tuple[UUID | str, DomainError]] = field(default_factory=list[tuple[UUID | str, DomainError]])


async def write(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    rows: Sequence[Record],
    change: Change,
    outcome: Outcome,
) -> None:
    """Change locked rows. Those with the same columns to change go together."""
    together: dict[tuple[str, ...], dict[UUID, dict[str, Any]]] = defaultdict(dict)
    before = {row["id"]: row for row in rows}
    for row in rows:
        try:
            values = change(row)
        except DomainError as error:
            outcome.failed.append((row["id"], error))
            continue
        if values:
            together[tuple(sorted(values))][row["id"]] = values
        else:
            outcome.unchanged += 1
    updates: list[Update] = []
    for names, values in together.items():
        after = await queries.update(session, kind, actor.organization_id, values)
        updates += [Update(before[record], after[record], names) for record in values]
    updates.sort(key=lambda one: one.before["id"])
    await bulk_reporting.updated(session, actor, changeset, kind, updates)
    outcome.changed += len(updates)
