"""Writing the rows of a bundle that were read: found and changed, or created, with their audit rows and events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from drippulse.crm import bulk_reporting, service
from drippulse.crm.bulk_reporting import Update
from drippulse.crm.bundles import load_queries as queries
from drippulse.crm.bundles.candidates import Candidate
from drippulse.crm.bundles.places import Places
from drippulse.crm.bundles.results import Report, RowError, RowStatus
from drippulse.crm.bundles.rows import CONVERTED
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.custom_fields.service import definitions_of
from drippulse.crm.custom_fields.state import Definition, check_values
from drippulse.crm.merging import aliases
from drippulse.crm.pipelines.queries import keep_stage
from drippulse.crm.presentation import present_column
from drippulse.crm.records import SPECS
from drippulse.crm.reporting import snapshot
from drippulse.crm.state import DERIVED, OBJECTS, changed_columns, public_id
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError
from drippulse.kit.json import dump_json
from drippulse.kit.uuid7 import uuid7
from drippulse.organizations.policy import Principal

TAKEN = "Another {} has its e-mail address or external id."
RESTORED = "It was deleted here and is restored."
EMAIL = ("email", "email_key")
Found = tuple[Candidate, Record]


class Writer:
    """Of one bundle. `known`: what the bundle calls a record -> its id here."""

    def __init__(
        self,
        session: Session,
        principal: Principal,
        changeset: OpenChangeset,
        report: Report,
        places: Places,
        now: datetime,
        known: Mapping[RecordType, dict[str, UUID]],
    ) -> None:
        self._session = session
        self._principal = principal
        self._organization_id = principal.organization_id
        self._changeset = changeset
        self._report = report
        self._places = places
        self._now = now
        self._known = known
        self._kept: set[UUID] = set()
        self._former: dict[tuple[RecordType, int], frozenset[str]] = {}
        self._defined: Mapping[str, Definition] = {}

    async def begin(self, kind: RecordType) -> None:
        """Before the rows of a type."""
        self._defined = await definitions_of(self._session, kind, self._organization_id)

    async def write(self, kind: RecordType, group: Sequence[Candidate]) -> None:
        """A portion in which no two have the same name. Those that mean the same record by different ones come one
        after the other."""
        found, new = await self._identify(kind, group)
        first = {row["id"]: one.index for one, row in reversed(found)}
        await self._change(kind, [(one, row) for one, row in found if first[row["id"]] == one.index])
        await self._create(kind, new)
        later = [one for one, row in found if first[row["id"]] != one.index]
        if later:
            await self.write(kind, later)

    async def _identify(self, kind: RecordType, group: Sequence[Candidate]) -> tuple[list[Found], list[Candidate]]:
        """By public id, then by external id, then by address."""
        organization_id, session = self._organization_id, self._session
        named = {one.extras.public_id: one for one in group if one.extras.public_id is not None}
        rows = await queries.by_public_ids(session, kind, organization_id, named)
        by_public_id = {row["public_id"]: row["id"] for row in rows}
        skipped = await self._restore(kind, named, [row for row in rows if row["deleted_at"] is not None])
        externals = await queries.by_externals(
            session, kind, organization_id, [one.external for one in group if one.external is not None]
        )
        emails: dict[str, UUID] = {}
        if SPECS[kind].unique_by_email:
            keys = [one.values["email_key"] for one in group if one.values["email_key"] is not None]
            emails = await queries.by_email_keys(session, kind, organization_id, keys)
        means = {
            one.index: by_public_id.get(one.extras.public_id or "")
            or (externals.get(one.external) if one.external else None)
            or emails.get(one.values.get("email_key") or "")
            for one in group
            if one.index not in skipped
        }
        means |= await self._merged(kind, [one for one in group if one.index in means and means[one.index] is None])
        live = await queries.lock(session, kind, organization_id, {one for one in means.values() if one is not None})
        found: list[Found] = []
        new: list[Candidate] = []
        for one in group:
            record_id = means.get(one.index)
            if record_id is not None and record_id in live:
                found.append((one, live[record_id]))
            elif one.index not in skipped:
                new.append(one)
        return found, new

    async def _merged(self, kind: RecordType, group: Sequence[Candidate]) -> dict[int, UUID]:
        """By what a record was known by that was merged into another one, which keeps its own names."""
        session, organization_id = self._session, self._organization_id
        found: dict[int, UUID] = {}
        for one in group if await aliases.any_known(session, kind, organization_id) else ():
            row, names = None, frozenset({"external_system", "external_id"})
            if one.external is not None:
                row = await aliases.by_external(session, kind, organization_id, *one.external)
            key = one.values.get("email_key")
            if row is None and key is not None:
                row, names = await aliases.by_email_key(session, kind, organization_id, key), frozenset(EMAIL)
            if row is not None:
                found[one.index], self._former[kind, one.index] = row["id"], names
        return found

    async def _restore(self, kind: RecordType, named: Mapping[str, Candidate], rows: Iterable[Record]) -> set[int]:
        """Deleted ones that the bundle has are live again. Indices of those that cannot be."""
        skipped: set[int] = set()
        for row in rows:
            one = named[row["public_id"]]
            if row["merged_into_id"] is not None:
                self._report.add(
                    one.index, kind.value, RowStatus.SKIPPED, row["public_id"], "It was merged into another."
                )
                into = await aliases.survivor_of(self._session, kind, self._organization_id, row["public_id"])
                if into is not None:
                    self._remember(kind, one, into["id"])
                skipped.add(one.index)
                continue
            try:
                await service.restore_record(self._session, self._principal, kind, str(row["id"]), self._changeset)
                one.notes.append(RESTORED)
            except DomainError as error:
                self._report.add(one.index, kind.value, RowStatus.INVALID, row["public_id"], error.message)
                skipped.add(one.index)
        return skipped

    async def _change(self, kind: RecordType, found: Sequence[Found]) -> None:
        groups: defaultdict[tuple[str, ...], list[tuple[Candidate, Record, dict[str, Any]]]] = defaultdict(list)
        for one, row in found:
            try:
                changes = await self._changes(kind, one, row)
            except (RowError, DomainError) as error:
                self._invalid(kind, one, str(error))
                continue
            if changes:
                groups[tuple(sorted(changes))].append((one, row, changes))
            else:
                status = RowStatus.UPDATED if RESTORED in one.notes else RowStatus.UNCHANGED
                self._done(kind, one, row, status)
        for group in groups.values():
            await self._update(kind, group)

    async def _changes(self, kind: RecordType, one: Candidate, row: Record) -> dict[str, Any]:
        former = self._former.get((kind, one.index), frozenset())
        values = {name: value for name, value in one.values.items() if name in one.sent and name not in former}
        if "custom_fields" in values:
            values["custom_fields"] = dump_json(self._custom_fields(one, creating=False))
        if kind is RecordType.OPPORTUNITY:
            values = await self._placed(values, row, one)
        changes = changed_columns(row, values, merge=False)
        return {name: value for name, value in changes.items() if not _shown_alike(kind, name, row[name], value)}

    def _custom_fields(self, one: Candidate, *, creating: bool) -> dict[str, Any]:
        sent = orjson.loads(one.values["custom_fields"])
        stored, errors = check_values(self._defined, sent, creating=creating)
        if errors:
            raise RowError(" ".join(f"{path}: {sentences[0]}" for path, sentences in errors.items()))
        return stored

    async def _placed(self, values: dict[str, Any], row: Record | None, one: Candidate) -> dict[str, Any]:
        placed = self._places.place(values, row, one.extras.stage_position, one.extras.closed_at, self._now)
        stage = placed.get("pipeline_stage_id")
        if stage is not None and stage not in self._kept:
            if await keep_stage(self._session, self._organization_id, stage) is None:
                raise RowError("pipeline_stage_id: This stage was just deleted.")
            self._kept.add(stage)
        return placed

    async def _update(self, kind: RecordType, group: Sequence[tuple[Candidate, Record, dict[str, Any]]]) -> None:
        try:
            async with self._session.savepoint():
                changes = {row["id"]: values for _, row, values in group}
                after = await queries.update(self._session, kind, self._organization_id, changes)
        except asyncpg.UniqueViolationError:
            if len(group) == 1:
                self._invalid(kind, group[0][0], TAKEN.format(kind.value))
                return
            for part in (group[: len(group) // 2], group[len(group) // 2 :]):
                await self._update(kind, part)
            return
        updates: list[Update] = []
        for one, row, values in group:
            changed = after[row["id"]]
            updates.append(Update(row, changed, list(values)))
            self._done(kind, one, changed, RowStatus.UPDATED, _diff(kind, row, changed, values))
        await bulk_reporting.updated(self._session, self._principal, self._changeset, kind, updates)

    async def _create(self, kind: RecordType, new: Sequence[Candidate]) -> None:
        ids = sorted(uuid7() for _ in new)  # in the order of the bundle, also within a millisecond
        rows: list[tuple[Candidate, dict[str, Any]]] = []
        for one, record_id in zip(new, ids, strict=True):
            try:
                rows.append((one, await self._new(kind, one, record_id)))
            except (RowError, DomainError) as error:
                self._invalid(kind, one, str(error))
        if not rows:
            return
        made = await queries.insert(self._session, kind, self._organization_id, [values for _, values in rows])
        for one, values in rows:
            row = made.get(values["id"])
            if row is None:
                self._invalid(kind, one, TAKEN.format(kind.value))
            else:
                self._done(kind, one, row, RowStatus.CREATED, _diff(kind, None, row, snapshot(kind, row)))
        created = [made[values["id"]] for _, values in rows if values["id"] in made]
        await bulk_reporting.created(self._session, self._principal, self._changeset, kind, created)

    async def _new(self, kind: RecordType, one: Candidate, record_id: UUID) -> dict[str, Any]:
        required = [name for name, info in SPECS[kind].fields.model_fields.items() if info.is_required()]
        missing = [name for name in required if name not in one.sent]
        if missing:
            raise RowError(f"Missing parameter: {', '.join(missing)}.")
        custom = {key: value for key, value in self._custom_fields(one, creating=True).items() if value is not None}
        values = {**one.values, "custom_fields": dump_json(custom)}
        if kind is RecordType.OPPORTUNITY:
            values = await self._placed(values, None, one)
        if kind is RecordType.LEAD:
            values |= {name: getattr(one.extras, name) for name in (*CONVERTED, "converted_at")}
        identity = {"id": record_id, "public_id": one.extras.public_id or public_id(kind, record_id)}
        return {**identity, "created_at": one.extras.created_at or self._now, **values}

    def _done(
        self,
        kind: RecordType,
        one: Candidate,
        row: Record,
        status: RowStatus,
        changes: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self._remember(kind, one, row["id"])
        if one.extras.public_id not in (None, row["public_id"]):
            one.notes.append(f"Here it is {row['public_id']}.")
        reason = " ".join(one.notes) or None
        self._report.add(one.index, kind.value, status, row["public_id"], reason, changes)

    def _remember(self, kind: RecordType, one: Candidate, record_id: UUID) -> None:
        for ref in one.refs:
            self._known[kind][ref] = record_id

    def _invalid(self, kind: RecordType, one: Candidate, reason: str) -> None:
        self._report.add(one.index, kind.value, RowStatus.INVALID, one.extras.public_id, reason)


def _shown_alike(kind: RecordType, name: str, here: Any, sent: Any) -> bool:
    """Whether answers show the same of both: a bundle has times to the millisecond."""
    if name in OBJECTS or name in DERIVED or here is None or sent is None:
        return False
    return present_column(kind, name, here) == present_column(kind, name, sent)


def _diff(kind: RecordType, before: Record | None, after: Record, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "before": None if before is None else present_column(kind, name, before[name]),
            "after": present_column(kind, name, after[name]),
        }
        for name in sorted(names)
        if name not in DERIVED
    }
