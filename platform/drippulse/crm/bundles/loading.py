"""Taking a bundle in: each record whole or not at all, all of them in one transaction and one changeset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from drippulse.crm.bundles import load_queries as queries
from drippulse.crm.bundles.candidates import Candidate, apart, reference
from drippulse.crm.bundles.errors import ImportRunningError
from drippulse.crm.bundles.load_fields import load_fields
from drippulse.crm.bundles.load_pipelines import load_pipelines, places_of
from drippulse.crm.bundles.load_schemas import OwnerIn, RowExtras, is_public_id, split_row
from drippulse.crm.bundles.places import Places
from drippulse.crm.bundles.results import Report, RowError, RowStatus
from drippulse.crm.bundles.rows import KINDS, references_of
from drippulse.crm.bundles.schemas import BundleIn
from drippulse.crm.bundles.writing import Writer
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.pipelines.placing import default_pipeline_id
from drippulse.crm.records import SPECS
from drippulse.crm.state import columns
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.errors import DomainError
from drippulse.kit.validation import parse
from drippulse.organizations.policy import Principal

PORTION = 500


async def load_bundle(session: Session, principal: Principal, data: BundleIn, now: datetime) -> dict[str, Any]:
    """The report. Everything is written; of a dry run the caller takes it back.

    Raises ImportRunningError.
    """
    if not await queries.take_turn(session, principal.organization_id):
        raise ImportRunningError
    changeset = OpenChangeset(Source.IMPORT, label="Bundle", quiet=data.suppress_automations)
    report = Report(with_changes=data.dry_run)
    owners = await _Owners.read(session, principal.organization_id, data)
    await load_fields(session, principal, data.custom_fields, report)
    found = await load_pipelines(session, principal, data.pipelines, owners.of, report)
    if data.opportunities:
        await default_pipeline_id(session, principal)
    places = await places_of(session, principal.organization_id)
    places.pipelines |= found["pipelines"]
    places.stages |= found["stages"]
    places.default = await default_pipeline_id(session, principal) if data.opportunities else None
    loader = _Loader(session, principal, changeset, report, owners, places, now)
    for kind in KINDS:
        await loader.load(kind, getattr(data, SPECS[kind].plural))
    order = ["custom_field", "pipeline", *(kind.value for kind in KINDS)]
    return report.answer(changeset.id, dry_run=data.dry_run, order=order)


@dataclass(slots=True)
class _Owners:
    """Members by the id that the bundle has for them."""

    here: frozenset[int]
    emails: Mapping[str, int]
    theirs: Mapping[int, str] | None
    """None: the bundle is of this organization, and its ids are ours."""

    @classmethod
    async def read(cls, session: Session, organization_id: int, data: BundleIn) -> "_Owners":
        rows = await queries.members(session, organization_id)
        emails = {row["email"].casefold(): row["id"] for row in rows if row["email"]}
        theirs: dict[int, str] | None = None
        if data.organization_id not in (None, organization_id):
            theirs = {}
            for row in data.owners:
                try:
                    owner = parse(OwnerIn, cast("dict[str, Any]", row) if isinstance(row, dict) else {})
                except DomainError:
                    continue
                theirs[owner.id] = (owner.email or "").casefold()
        return cls(frozenset(row["id"] for row in rows), emails, theirs)

    def of(self, number: int) -> int | None:
        if self.theirs is None:
            return number if number in self.here else None
        return self.emails.get(self.theirs.get(number, ""))


class _Loader:
    def __init__(
        self,
        session: Session,
        principal: Principal,
        changeset: OpenChangeset,
        report: Report,
        owners: _Owners,
        places: Places,
        now: datetime,
    ) -> None:
        self._session = session
        self._organization_id = principal.organization_id
        self._report = report
        self._owners = owners
        self._known: dict[RecordType, dict[str, UUID]] = {kind: {} for kind in RecordType}
        self._writer = Writer(session, principal, changeset, report, places, now, self._known)

    async def load(self, kind: RecordType, rows: Sequence[Any]) -> None:
        if rows:
            await self._writer.begin(kind)
        for start in range(0, len(rows), PORTION):
            numbered = list(enumerate(rows[start : start + PORTION], start))
            await self._load(kind, [one for index, row in numbered if (one := self._read(kind, index, row))])

    async def _load(self, kind: RecordType, candidates: Sequence[Candidate]) -> None:
        candidates = await self._resolve(kind, candidates)
        for group in apart(candidates):
            await self._writer.write(kind, group)

    def _read(self, kind: RecordType, index: int, row: Any) -> Candidate | None:
        try:
            if not isinstance(row, dict):
                raise RowError("A row must be a JSON object.")
            own, others = split_row(kind, cast("dict[str, Any]", row))
            extras = parse(RowExtras, others)
            if extras.public_id is not None and not is_public_id(kind, extras.public_id):
                raise RowError(f'public_id: "{extras.public_id[:80]}" is not the public id of a {kind.value}.')
            fields = parse(SPECS[kind].changes, own)
            values = columns(fields, only_sent=False)
            refs = tuple(ref for ref in (extras.public_id, extras.id) if ref is not None)
            sent = {*fields.model_fields_set, *(("email_key",) if "email" in fields.model_fields_set else ())}
            candidate = Candidate(index, extras, values, frozenset(sent), refs)
            self._owner(candidate)
        except (RowError, DomainError) as error:
            self._report.add(index, kind.value, RowStatus.INVALID, _public_id(row), str(error))
            return None
        if extras.deleted_at is not None:
            self._report.add(index, kind.value, RowStatus.SKIPPED, extras.public_id, "It is deleted in the bundle.")
            return None
        return candidate

    def _owner(self, candidate: Candidate) -> None:
        owner = candidate.values.get("owner_id")
        if owner is None:
            return
        here = self._owners.of(owner)
        if here is None and self._owners.theirs is None:
            raise RowError(f"owner_id: {owner} is no member of your organization.")
        candidate.values["owner_id"] = here
        if here is None:
            candidate.sent -= {"owner_id"}
            candidate.notes.append("Its owner is no member here and was left out.")

    async def _resolve(self, kind: RecordType, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those whose references are all known, as ids."""
        columns_of = references_of(kind)
        unknown: dict[RecordType, set[str]] = {target: set() for target in columns_of.values()}
        for candidate in candidates:
            for column, target in columns_of.items():
                ref = reference(candidate, column)
                if ref is not None and ref not in self._known[target]:
                    unknown[target].add(ref)
        for target, refs in unknown.items():
            if refs:
                found = await queries.by_refs(self._session, target, self._organization_id, refs)
                self._known[target] |= {ref: found[ref] for ref in refs if ref in found}
        return [candidate for candidate in candidates if self._connected(kind, candidate, columns_of)]

    def _connected(self, kind: RecordType, candidate: Candidate, columns_of: Mapping[str, RecordType]) -> bool:
        for column, target in columns_of.items():
            ref = reference(candidate, column)
            if ref is None:
                continue
            found = self._known[target].get(ref)
            if found is None:
                reason = f"{column}: {ref[:100]} is neither in the bundle nor in your organization."
                self._report.add(candidate.index, kind.value, RowStatus.INVALID, candidate.extras.public_id, reason)
                return False
            if column in SPECS[kind].references:
                candidate.values[column] = found
            else:
                setattr(candidate.extras, column, str(found))
        return True


def _public_id(row: Any) -> str | None:
    found = cast("dict[str, Any]", row).get("public_id") if isinstance(row, dict) else None
    return found[:80] if isinstance(found, str) else None
