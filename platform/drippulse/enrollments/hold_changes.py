"""Pausing, resuming and ending any number of runs: small ones at once, large ones in chunks.

The workflow's or organization's own status is committed first and is in force from then on, because the claim and the
last look before a call ask for it; the runs follow. Two processes at once harm nothing, one that dies loses nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from drippulse.enrollments import hold_change_queries as sql
from drippulse.enrollments.cancellation import cancel_picked
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.holding import (
    AS_IT_WAS,
    Clock,
    Late,
    ResumePolicy,
    Scope,
    hold_where,
    release_where,
)
from drippulse.enrollments.tables import Hold
from drippulse.events.service import Actor, SystemActor
from drippulse.kit.db import Database, Record, Role, Session

CHUNK = 5_000
FEW_RUNS = 100_000
"""So many rows of a workflow, ended ones included, are looked through at once."""
AT_ONCE_SECONDS = 2.0
"""How long one round of the scheduler works on changes."""


class ChangeKind(StrEnum):
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of the runs of a workflow, of a step of it, or (`workflow_id` None) of the organization."""

    kind: ChangeKind
    hold: Hold
    workflow_id: int | None = None
    step_id: str | None = None
    policy: ResumePolicy = AS_IT_WAS
    reason: str = ""


async def begin(session: Session, actor: Actor, change: Change, few: int = CHUNK) -> int:
    """Do it in this very transaction when it is about few runs, else leave it to the scheduler; how many it is about.

    Call it in the transaction that changes the status; from here to its end nothing starts. A change of the same kind
    of hold that is still under way ends here: this one decides about everybody.
    """
    organization_id = actor.organization_id
    await nothing_starts(session, organization_id, change.workflow_id)
    await session.execute(sql.SUPERSEDE, organization_id, change.workflow_id, change.hold.value, change.step_id)
    if await is_few(session, organization_id, change.workflow_id, few):
        return await _at_once(session, actor, change)
    total = await session.fetchval(
        sql.MADE,
        organization_id,
        change.workflow_id,
        change.step_id,
        change.kind.value,
        change.hold.value,
        change.policy.model_dump_json(),
        change.reason,
        actor.actor_type,
        actor.actor_id,
    )
    return int(total)


async def is_few(session: Session, organization_id: int, workflow_id: int | None, few: int = CHUNK) -> bool:
    """Whether a change of these runs is done at once."""
    size = await session.fetchrow(sql.SIZE, organization_id, workflow_id)
    return size is None or (size["live"] <= few and size["runs"] <= FEW_RUNS)


async def remaining(session: Session, organization_id: int, workflow_id: int | None) -> int:
    """How many runs changes that are under way have still to come to, at most; 0 once all is done."""
    return int(await session.fetchval(sql.REMAINING, organization_id, workflow_id))


async def work_on_changes(database: Database, chunk: int = CHUNK, seconds: float = AT_ONCE_SECONDS) -> bool:
    """A chore: work on what is under way for a while; whether there was anything."""
    end, found = time.monotonic() + seconds, False
    while time.monotonic() < end:
        async with database.session(Role.ENGINE) as session:
            row = await session.fetchrow(sql.NEXT_OPEN)
            if row is None:
                break
            found = True
            await advance(session, row, chunk)
    return found


async def forget_places(database: Database) -> bool:
    """A chore: drop the order of respreads that a later command has ended."""
    async with database.session(Role.ENGINE) as session:
        await session.execute(sql.FORGET)
    return False


async def advance(session: Session, row: Record, chunk: int) -> None:
    """One chunk of a change whose row is locked."""
    step = _Chunk(session, row, ResumePolicy.model_validate_json(row["policy"]), chunk)
    await (step.place() if row["listed"] else step.look())


async def _at_once(session: Session, actor: Actor, change: Change) -> int:
    rows = await session.fetch(
        sql.everybody(change.kind, everywhere=change.workflow_id is None),
        actor.organization_id,
        change.workflow_id,
        change.hold.value,
        change.step_id,
    )
    ids = [int(row["id"]) for row in rows]
    if change.kind is ChangeKind.CANCEL:
        return await cancel_picked(session, actor, ids, change.reason)
    if change.kind is ChangeKind.HOLD:
        return len(await hold_where(session, Scope.part(change.hold, actor.organization_id, ids, change.step_id)))
    return len(await release_where(session, Scope.part(change.hold, actor.organization_id, ids), change.policy))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The next part of the change `row`."""

    session: Session
    row: Record
    policy: ResumePolicy
    size: int

    async def look(self) -> None:
        """Go through the next runs by id. Those that a respread has to put into an order get their place in it."""
        row = self.row
        found = await self.session.fetchrow(
            sql.scan(row["kind"], everywhere=row["workflow_id"] is None),
            row["organization_id"],
            row["workflow_id"],
            row["hold"],
            row["step_id"],
            row["after_id"],
            self.size,
        )
        if found is None:
            return
        ids: list[int] = found["ids"]
        through = found["seen"] < self.size
        respread = row["kind"] == ChangeKind.RELEASE and self.policy.late is Late.RESPREAD
        if respread:
            late = await self._list(ids)
            ids = [one for one in ids if one not in late]
        done = await self._change(ids)
        await self._note(done, found["last_id"] or row["after_id"], listed=through, finished=through and not respread)

    async def place(self) -> None:
        """Release the next runs of a respread, the longest overdue first."""
        key = (self.row["organization_id"], self.row["id"])
        ids = [int(row["enrollment_id"]) for row in await self.session.fetch(sql.TAKE, *key, self.size)]
        done = await self._change(ids, first_place=self.row["placed"])
        await self._note(done, self.row["after_id"], listed=True, placed=len(ids), finished=len(ids) < self.size)

    async def _list(self, ids: Sequence[int]) -> set[int]:
        freeze = self.policy.clock is Clock.FREEZE
        row = self.row
        listed = await self.session.fetch(
            sql.LIST, row["organization_id"], ids, row["hold"], row["created_at"], freeze, row["id"]
        )
        return {one["enrollment_id"] for one in listed}

    async def _change(self, ids: Sequence[int], first_place: int = 0) -> int:
        row, at = self.row, self.row["created_at"]
        if not ids:
            return 0
        if row["kind"] == ChangeKind.CANCEL:
            actor = SystemActor(row["organization_id"], row["actor_type"], row["actor_id"])
            return await cancel_picked(self.session, actor, ids, row["reason"])
        if row["kind"] == ChangeKind.HOLD:
            scope = Scope.part(Hold(row["hold"]), row["organization_id"], ids, row["step_id"])
            return len(await hold_where(self.session, scope, at))
        scope = Scope.part(Hold(row["hold"]), row["organization_id"], ids)
        return len(await release_where(self.session, scope, self.policy, first_place=first_place, at=at))

    async def _note(self, done: int, after_id: int, *, listed: bool, finished: bool, placed: int = 0) -> None:
        row = self.row
        await self.session.execute(
            sql.ADVANCE, row["organization_id"], row["id"], done, after_id, listed, placed, finished
        )
