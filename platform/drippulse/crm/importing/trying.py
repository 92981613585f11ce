"""What rows would become: a portion is written, looked at, and taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.crm.importing.sink import Portion, Problem, RecordSink, Written
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session

CHANGES = """SELECT record_id, before, after FROM change_event
  WHERE organization_id = $1 AND changeset_id = $2 AND action = 'update'"""


@dataclass(slots=True)
class Tried:
    """What was written, with its records and their changes by id."""

    written: Written
    records: Mapping[str, dict[str, Any]]
    changes: Mapping[str, dict[str, dict[str, Any]]]

    def shown(self, index: int, number: int) -> dict[str, Any]:
        """As `PreviewRow`."""
        record_id = str(self.written.records.get(index, ""))
        return {
            "row": number,
            "outcome": self.written.outcomes[index].value,
            "record": self.records.get(record_id),
            "changes": self.changes.get(record_id, {}),
            "problems": [_problem(one) for one in self.written.problems if one.row == number],
        }


class _TakenBackError(Exception):
    """Undoes what was tried."""

    def __init__(self, tried: Tried) -> None:
        super().__init__()
        self.tried = tried


async def try_portion(session: Session, sink: RecordSink, portion: Portion) -> Tried:
    """Nothing of it is left. `sink` is for this alone: its changeset was never there."""
    target = sink.target
    portion.tracked = True
    try:
        async with session.savepoint():
            written = await sink.write(session, portion)
            organization_id = target.actor.organization_id
            records = await _records(session, target.kind, organization_id, written)
            changes = await _changes(session, organization_id, target.changeset.id)
            raise _TakenBackError(Tried(written, records, changes))
    except _TakenBackError as undone:
        return undone.tried


def _problem(one: Problem) -> dict[str, str]:
    return {"column": one.column, "value": one.value, "message": one.message}


async def _records(
    session: Session, kind: RecordType, organization_id: int, written: Written
) -> Mapping[str, dict[str, Any]]:
    ids: Sequence[Any] = list(written.records.values())
    sql = f"SELECT {SPECS[kind].select} FROM {kind.value} r WHERE r.organization_id = $1 AND r.id = ANY ($2::uuid[])"
    rows = await session.fetch(sql, organization_id, ids)
    return {str(row["id"]): present(kind, row) for row in rows}


async def _changes(
    session: Session, organization_id: int, changeset_id: int | None
) -> Mapping[str, dict[str, dict[str, Any]]]:
    if changeset_id is None:
        return {}
    rows = await session.fetch(CHANGES, organization_id, changeset_id)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        before, after = orjson.loads(row["before"]), orjson.loads(row["after"])
        found[str(row["record_id"])] = {
            name: {"before": before.get(name), "after": value} for name, value in after.items()
        }
    return found
