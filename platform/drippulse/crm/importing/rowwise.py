"""Writing records one by one, for those that stand in a stage of a pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.crm import queries, service
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.importing.fields import PUBLIC_ID, TAGS, fields_of
from drippulse.crm.importing.portions import EXTERNAL, SYSTEM
from drippulse.crm.importing.state import DedupeBy, OnExisting, Outcome, Portion
from drippulse.crm.merging import aliases
from drippulse.crm.records import SPECS
from drippulse.crm.schemas import RecordFields
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError
from drippulse.kit.validation import parse

NUMBERS = ("integer", "smallint", "bigint")


@dataclass(frozen=True, slots=True)
class RowWriter:
    """As `PortionWriter`, through the service that a single change goes through."""

    kind: RecordType
    actor: Actor
    changeset: OpenChangeset
    on_existing: OnExisting
    dedupe_by: Sequence[DedupeBy]

    async def write(self, session: Session, portion: Portion) -> None:
        """Fills in the outcomes that are open."""
        for index in portion.pending:
            try:
                async with session.savepoint():
                    portion.outcomes[index] = await self._write(session, portion, index)
            except DomainError as error:
                column, sentences = next(iter(error.errors.items()), ("", [error.message]))
                value = portion.columns.get(column, [""] * len(portion))[index]
                portion.refuse(index, column, value, sentences[0])

    async def _write(self, session: Session, portion: Portion, index: int) -> Outcome:
        values = {name: cells[index] for name, cells in portion.columns.items() if cells[index]}
        found = await self._find(session, values)
        values.pop(PUBLIC_ID, None)
        given = self._given(portion, index, values, found)
        if found is None:
            fields = self._input(given, new=True)
            made = await service.create_record(session, self.actor, self.kind, fields, self.changeset)
            portion.records[index] = made["id"]
            return Outcome.CREATED
        portion.records[index] = found["id"]
        if self.on_existing is OnExisting.SKIP:
            return Outcome.SKIPPED
        if self.on_existing is OnExisting.FAIL:
            raise DomainError(f"This {self.kind.value} exists already.")
        fields = self._input(given, new=False)
        before = await self._version(session, found)
        await service.patch_record(session, self.actor, self.kind, found, fields, self.changeset)
        return Outcome.UNCHANGED if await self._version(session, found) == before else Outcome.UPDATED

    async def _find(self, session: Session, values: dict[str, str]) -> Record | None:
        for by in self.dedupe_by:
            if by is DedupeBy.PUBLIC_ID and PUBLIC_ID in values:
                return await service.get_record(session, self.actor, self.kind, values[PUBLIC_ID])
            if by is DedupeBy.EXTERNAL_ID and EXTERNAL in values:
                key = (values[SYSTEM], values[EXTERNAL])
                row = await queries.by_external(session, self.kind, self.actor.organization_id, *key)
                if row is None:
                    row = await aliases.by_external(session, self.kind, self.actor.organization_id, *key)
                    if row is not None:  # it keeps the external id that it has
                        del values[SYSTEM], values[EXTERNAL]
                if row is not None:
                    return row
        return None

    async def _version(self, session: Session, row: Record) -> Any:
        sql = f"SELECT r.ctid::text FROM {self.kind.value} r WHERE r.organization_id = $1 AND r.id = $2"
        return await session.fetchval(sql, self.actor.organization_id, row["id"])

    def _given(self, portion: Portion, index: int, values: dict[str, str], found: Record | None) -> dict[str, Any]:
        types = {name: one.type for name, one in fields_of(self.kind).items()}
        given: dict[str, Any] = {name: int(text) if types[name] in NUMBERS else text for name, text in values.items()}
        if portion.tags and portion.tags[index]:
            own: list[str] = [] if found is None else list(found[TAGS])
            given[TAGS] = list(dict.fromkeys((*own, *portion.tags[index])))
        given |= {name: objects[index] for name, objects in portion.objects.items() if objects[index]}
        return given

    def _input(self, given: dict[str, Any], *, new: bool) -> RecordFields:
        spec = SPECS[self.kind]
        return parse(spec.fields if new else spec.changes, orjson.loads(orjson.dumps(given)))
