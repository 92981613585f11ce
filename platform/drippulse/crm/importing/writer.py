"""Writing a portion with a few statements, whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.importing import portion_sql as sql
from drippulse.crm.importing.fields import PUBLIC_ID
from drippulse.crm.importing.portion_sql import PortionSql
from drippulse.crm.importing.references import identify, resolve
from drippulse.crm.importing.staging import copy_text, staged_columns
from drippulse.crm.importing.state import DedupeBy, OnExisting, Outcome, Portion
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Session
from drippulse.kit.json import dump_json

ATTEMPTS = 4
UNIQUE = (DedupeBy.EMAIL, DedupeBy.EXTERNAL_ID)
NAMES = {DedupeBy.EMAIL: "e-mail address", DedupeBy.EXTERNAL_ID: "external id"}


@dataclass(frozen=True, slots=True)
class PortionWriter:
    """Writes portions of records of `kind` in the caller's transactions."""

    kind: RecordType
    actor: Actor
    changeset: OpenChangeset
    on_existing: OnExisting
    dedupe_by: Sequence[DedupeBy]
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    async def write(self, session: Session, portion: Portion) -> None:
        """Fills in the outcomes that are open."""
        await resolve(session, self.kind, self.actor.organization_id, portion)
        if PUBLIC_ID in portion.columns:
            await identify(session, self.kind, self.actor.organization_id, portion, PUBLIC_ID)
        await session.execute(sql.PREPARE)
        again = portion.pending
        while again:  # rows whose ids mean a record that an earlier row means by another id
            again = await self._write(session, portion, again)
        await session.execute(sql.DROP)

    async def _write(self, session: Session, portion: Portion, indexes: Sequence[int]) -> list[int]:
        columns = staged_columns(self.kind, portion)
        statements = PortionSql(self.kind, columns, bool(self.defaults))
        await session.execute(f"{sql.DROP}; {statements.create_staged}; {sql.MATCHED}; {sql.ALTERED}; {sql.FORMER}")
        await session.copy_text("staged", list(columns), copy_text(self.kind, portion, indexes))
        step = _Step(self, session, portion, statements, set(indexes))
        again = await step.match()
        await step.refuse()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with session.savepoint():
                    await step.change(careful=attempt == ATTEMPTS)
                break
            except (asyncpg.UniqueViolationError, _MovedError):  # somebody else was quicker: look again
                if attempt == ATTEMPTS:
                    raise
                await session.execute(sql.FORGET_MATCHES)
                again += await step.match()
                await step.refuse()
        await step.conclude()
        return again


class _MovedError(Exception):
    """A record that was found is gone."""


@dataclass(slots=True)
class _Step:
    """One pass over the rows `open`."""

    writer: PortionWriter
    session: Session
    portion: Portion
    sql: PortionSql
    open: set[int]

    @property
    def _organization_id(self) -> int:
        return self.writer.actor.organization_id

    async def match(self) -> list[int]:
        """Enter the records that exist; the rows left for another pass."""
        found = False
        for by in self.writer.dedupe_by:
            if (statement := self.sql.match(by)) is not None:
                found |= await self.session.execute(statement, self._organization_id) != "INSERT 0 0"
        found |= await self._match_former()
        if not found or len(self.writer.dedupe_by) == 1:
            return []
        again = [int(row["n"]) for row in await self.session.fetch(sql.REPEATED)]
        await self._leave_out(again)
        return again

    async def _match_former(self) -> bool:
        """By what merged records were known by; whether there were any."""
        if not await self.session.fetchval(sql.KNOWN_BY_FORMER, self._organization_id, self.sql.table):
            return False
        for by in self.writer.dedupe_by:
            for place, statement in enumerate(self.sql.match_former(by)):
                await self.session.execute(statement, *((self._organization_id,) if place == 0 else ()))
        return await self.session.execute(self.sql.match_by_former, self._organization_id) != "INSERT 0 0"

    async def refuse(self) -> None:
        """Rows that cannot be written, with the reason."""
        if self.sql.unknown is not None:
            await self._refuse(
                self.sql.unknown, PUBLIC_ID, f"No {self.sql.table} with this id exists in your organization."
            )
        for by in UNIQUE:
            matched_by = by in self.writer.dedupe_by
            statement = self.sql.taken(by, known=matched_by)
            if statement is not None and (len(self.writer.dedupe_by) > 1 or not matched_by):
                name = sql.FIELDS_OF_KEYS[by]
                await self._refuse(
                    statement, name, f"Another {self.sql.table} has this {NAMES[by]}.", self._organization_id
                )
        if self.sql.lacking is not None:
            await self._refuse(self.sql.lacking, "", f"A new {self.sql.table} needs {{}}.")

    async def change(self, *, careful: bool) -> None:
        """Update and insert, with audit rows and events."""
        if self.writer.on_existing is OnExisting.UPDATE:
            await self._update()
        await self._insert(careful=careful)

    async def conclude(self) -> None:
        """What became of the rows."""
        outcomes = self.portion.outcomes
        for row in await self.session.fetch(sql.MATCHES):
            index = int(row["n"])
            if outcomes[index] is not None:
                continue
            if self.writer.on_existing is OnExisting.FAIL:
                self.portion.refuse(index, "", "", f"This {self.sql.table} exists already.")
            elif self.writer.on_existing is OnExisting.SKIP:
                outcomes[index] = Outcome.SKIPPED
            else:
                outcomes[index] = Outcome.UPDATED if row["altered"] else Outcome.UNCHANGED
        if self.portion.tracked:
            rows = await self.session.fetch(sql.RECORDS)
            self.portion.records |= {int(row["n"]): row["id"] for row in rows}
        for index in self.open:
            if outcomes[index] is None:
                outcomes[index] = Outcome.CREATED

    async def _update(self) -> None:
        organization_id = self._organization_id
        matched = int(await self.session.fetchval("SELECT count(*) FROM (SELECT DISTINCT id FROM matched) AS m"))
        if not matched:
            return
        if int(await self.session.fetchval(self.sql.lock, organization_id)) != matched:
            raise _MovedError
        if await self.session.execute(self.sql.alter, organization_id) == "INSERT 0 0":
            return
        await self.session.execute(self.sql.update, organization_id)
        await self._record(self.sql.record_updated)
        await self._tell(self.sql.tell_updated)
        if self.sql.tell_scored is not None:
            await self._tell(self.sql.tell_scored)

    async def _insert(self, *, careful: bool) -> None:
        defaults = (dump_json(self.writer.defaults),) if self.writer.defaults else ()
        if careful:
            rows = await self.session.fetch(self.sql.insert(careful=True), self._organization_id, *defaults)
            made = [row["id"] for row in rows]
            await self._refuse(
                f"SELECT s.n, '' AS value FROM staged s WHERE {sql.UNMATCHED} AND s.new_id <> ALL ($1::uuid[])",
                "",
                f"Another {self.sql.table} has this e-mail address or external id.",
                made,
            )
        else:
            done = await self.session.execute(self.sql.insert(careful=False), self._organization_id, *defaults)
            if done == "INSERT 0 0":
                return
        await self._record(self.sql.record_created)
        await self._tell(self.sql.tell_created)

    async def _record(self, statement: str) -> None:
        actor, changeset = self.writer.actor, self.writer.changeset
        number = await changeset.number(self.session)
        who = (actor.actor_type, actor.actor_id)
        await self.session.execute(
            sql.OPEN_CHANGESET,
            *(actor.organization_id, number, changeset.source, *who, changeset.label, changeset.reverts_id),
        )
        await self.session.execute(statement, actor.organization_id, number, *who)

    async def _tell(self, statement: str) -> None:
        if not self.writer.changeset.quiet:
            actor = self.writer.actor
            await self.session.execute(statement, actor.organization_id, actor.actor_type, actor.actor_id)

    async def _refuse(self, statement: str, column: str, message: str, *args: Any) -> None:
        rows = await self.session.fetch(statement, *args)
        bad = {int(row["n"]): str(row["value"]) for row in rows}
        for index, value in bad.items():
            if self.portion.outcomes[index] is None:
                self.portion.refuse(index, column, value if column else "", message.format(value))
        await self._leave_out(list(bad))

    async def _leave_out(self, indexes: Sequence[int]) -> None:
        if indexes:
            self.open.difference_update(indexes)
            for table in ("staged", "matched"):
                await self.session.execute(f"DELETE FROM {table} WHERE n = ANY ($1::integer[])", list(indexes))
