"""The one way in which runs begin: pinned to the newest version, held where they must be, under its re-entry rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from drippulse.enrollments import start_queries as sql
from drippulse.enrollments.contacts import Rows
from drippulse.enrollments.errors import WorkflowArchivedError
from drippulse.enrollments.hold_locks import holds_stay
from drippulse.enrollments.reentry import History, default_key, kept_key, refusal, rendered_key
from drippulse.enrollments.tables import Hold
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, not_found
from drippulse.kit.ids import is_id
from drippulse.kit.locks import lock_number
from drippulse.workflows.liquid_sandbox import work_together
from drippulse.workflows.settings import ReEntryMode, WorkflowSettings, stored_settings
from drippulse.workflows.tables import WorkflowStatus
from drippulse.workflows.templates import shared_templates

FEW = 100
"""Up to here every key is locked by itself; more rows take the whole workflow."""
UNSURE = timedelta(seconds=3)
ORIGIN_USED = "The same cause has started it before."
NO_HISTORY = History()


class StartStatus(StrEnum):
    ENROLLED = "enrolled"
    SKIPPED = "skipped"
    INVALID = "invalid"


@dataclass(slots=True)
class StartedRow:
    """What became of one row. A row that its origin had started before has the id of that run."""

    index: int
    status: StartStatus
    enrollment_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """`rows` has one entry for each row given, in their order; `ids` are those of new runs."""

    workflow_id: int
    workflow_version: int
    rows: list[StartedRow]
    ids: list[int]


async def start_enrollments(
    session: Session,
    actor: Actor,
    workflow_id: int,
    rows: Rows,
    *,
    origins: Sequence[str | None] | None = None,
) -> Started:
    """Start one run for each row, in the caller's transaction. Wake the engine after commit.

    Draft and paused workflows take enrollments too; a paused workflow or organization holds them. Two runs of one
    workflow never have one origin: the second is skipped. Rows that the version's re-entry rules refuse are skipped
    with the reason, whoever else starts at the same time; rows without anything to know the contact by always start.

    Args:
        session: of the application's role, or of the engine's, which does not wait here for somebody who pauses.
        actor: who starts them; its organization is the workflow's.
        origins: what started each row, such as `event:12`; None for rows that may be started any number of times.

    Raises:
        NotFoundError: no such workflow in the actor's organization.
        WorkflowArchivedError: it is archived.
    """
    organization_id = actor.organization_id
    sure = await holds_stay(session, organization_id, workflow_id)
    target = await session.fetchrow(sql.TARGET, organization_id, workflow_id) if is_id(workflow_id) else None
    if target is None:
        raise not_found("workflow")
    if target["status"] == WorkflowStatus.ARCHIVED:
        raise WorkflowArchivedError
    start = _Start(session, organization_id, target, rows, list(origins) if origins else None)
    await start.choose()
    session.news.add(organization_id)
    ids = await start.insert(actor, sure=sure) if start.chosen else []
    return Started(workflow_id, target["version"], start.results, ids)


@dataclass(slots=True)
class _Start:
    """One call. `chosen` are the places of the rows to insert, `keys` who each row is for."""

    session: Session
    organization_id: int
    target: Record
    rows: Rows
    origins: list[str | None] | None
    results: list[StartedRow] = field(default_factory=list[StartedRow])
    keys: list[str | None] = field(default_factory=list["str | None"])
    chosen: list[int] = field(default_factory=list[int])

    async def choose(self) -> None:
        """Look at every row in turn; one that is chosen counts for those after it."""
        settings = _settings(self.target)
        self._make_keys(settings)
        used = await self._used_origins()
        rule = settings.re_entry
        if rule.mode is ReEntryMode.ALWAYS and not self.origins and settings.dedupe_key is None:
            self.chosen += range(len(self.results))
            return
        histories = dict[str, History]() if rule.mode is ReEntryMode.ALWAYS else await self._histories()
        now: datetime = self.target["now"]
        for place, result in enumerate(self.results):
            if result.status is StartStatus.INVALID or self._from_used_origin(place, result, used):
                continue
            key = self.keys[place]
            if key is not None and rule.mode is not ReEntryMode.ALWAYS:
                history = histories.get(key, NO_HISTORY)
                reason = refusal(rule, history, now)
                if reason is not None:
                    result.status, result.reason = StartStatus.SKIPPED, reason
                    continue
                histories[key] = history.and_one(now)
            self.chosen.append(place)

    def _make_keys(self, settings: WorkflowSettings) -> None:
        rows, source = self.rows, settings.dedupe_key
        self.results += [StartedRow(index, StartStatus.ENROLLED) for index in rows.indexes]
        if source is None:
            default = kept_key if settings.re_entry.mode is ReEntryMode.ALWAYS else default_key
            self.keys += map(default, rows.lead_refs, rows.emails)
            return
        templates = shared_templates()
        with work_together():
            for result, bag in zip(self.results, rows.bags, strict=True):
                try:
                    self.keys.append(rendered_key(source, orjson.loads(bag), templates))
                except DomainError as error:
                    self.keys.append(None)
                    result.status, result.reason = StartStatus.INVALID, f"dedupe_key: {error.message}"

    async def _used_origins(self) -> dict[str, int]:
        wanted = [origin for origin in self.origins or [] if origin is not None]
        if not wanted:
            return {}
        found = await self.session.fetch(sql.ORIGINS, self.organization_id, self.target["id"], wanted)
        return {row["origin"]: row["id"] for row in found}

    def _from_used_origin(self, place: int, result: StartedRow, used: dict[str, int]) -> bool:
        origin = self.origins[place] if self.origins else None
        if origin is None or origin not in used:
            return False
        result.status, result.reason = StartStatus.SKIPPED, ORIGIN_USED
        result.enrollment_id = used[origin]
        return True

    async def _histories(self) -> dict[str, History]:
        """Of every key, once nobody else can start a run for it."""
        keys = sorted({key for key in self.keys if key is not None})
        if not keys:
            return {}
        workflow_id: int = self.target["id"]
        name = sql.re_entry_name(self.organization_id, workflow_id)
        if len(keys) > FEW:
            await self.session.execute(sql.RE_ENTRY_ALL, name)
        else:
            await self.session.execute(sql.RE_ENTRY_SOME, name)
            await self.session.execute(sql.RE_ENTRY_KEYS, sorted({lock_number(f"{name}:{key}") for key in keys}))
        found = await self.session.fetch(sql.HISTORIES, self.organization_id, workflow_id, keys)
        return {row["key"]: History(row["runs"], row["live"], row["started_at"]) for row in found}

    async def insert(self, actor: Actor, *, sure: bool) -> list[int]:
        """Insert the chosen rows and log them; the ids of those that are new.

        What is not `sure` to be held or not is left to the claim, which looks again.
        """
        rows, chosen = self.rows, self.chosen
        origins = self.origins or [None] * len(self.keys)
        columns = (rows.lead_refs, rows.emails, rows.first_names, rows.last_names, rows.timezones, rows.bags)
        made = await self.session.fetch(
            sql.INSERT_NEW if self.origins else sql.INSERT_ALL,
            self.organization_id,
            self.target["id"],
            self.target["version"],
            self.target["first_step_id"] or "",
            *(_picked(column, chosen) for column in (*columns, self.keys, origins)),
            actor.actor_type,
            actor.actor_id,
            _holds(self.target).value if sure else 0,
            timedelta(0) if sure else UNSURE,
        )
        self._note(made, origins)
        return [row["id"] for row in made]

    def _note(self, made: list[Record], origins: Sequence[str | None]) -> None:
        """Give every result its id. Rows whose origin somebody else used in this moment are missing in `made`."""
        by_origin: dict[str, int] = {row["origin"]: row["id"] for row in made if row["origin"] is not None}
        others = iter([row["id"] for row in made if row["origin"] is None])
        for place in self.chosen:
            result, origin = self.results[place], origins[place]
            result.enrollment_id = next(others) if origin is None else by_origin.pop(origin, None)
            if result.enrollment_id is None:
                result.status, result.reason = StartStatus.SKIPPED, ORIGIN_USED


def _picked(column: Sequence[str | None], chosen: Sequence[int]) -> Sequence[str | None]:
    """The cells at these places, in their order."""
    return column if len(chosen) == len(column) else [column[place] for place in chosen]


def _settings(target: Record) -> WorkflowSettings:
    return stored_settings(orjson.loads(target["settings"]))


def _holds(target: Record) -> Hold:
    workflow = Hold.WORKFLOW if target["status"] == WorkflowStatus.PAUSED else Hold(0)
    return workflow | (Hold.ORGANIZATION if target["organization_paused"] else Hold(0))
