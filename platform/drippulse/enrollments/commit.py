"""Writing progress: many enrollments in one transaction, each guarded by its fence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from drippulse.enrollments.admission import Key, admission
from drippulse.enrollments.gate import refuse_while_changing, settle_holds
from drippulse.enrollments.repeating import refuse_repetitions
from drippulse.enrollments.tables import EnrollmentStatus, Hold
from drippulse.kit.db import Database, Role, Session
from drippulse.workflows.steps.base import Decision

# Rows are locked in the order of their ids, as holding and cancelling lock them: nobody waits in a circle.
PAUSES_AFTER_DEADLOCKS = (0.02, 0.2)
"""In seconds: at once it could be there before whoever waits for its rows, and close the circle again."""
KEEP_LEASE, INTENT, FINISHED, HELD, KEEP_INTENT = 1, 2, 4, 8, 16

# All that follows from an enrollment's row is written by the statement that writes the row, guarded by its fence.
UPDATE = f"""
WITH locked AS MATERIALIZED (
  SELECT id FROM enrollment WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE
), written AS (
UPDATE enrollment e SET
  status = i.status, current_step_index = i.step_index, step_id = i.step_id, visit = i.visit,
  visits = coalesce(i.visits, e.visits), bag = coalesce(i.bag, e.bag), attempt = i.attempt,
  step_entered_at = i.entered_at, next_run_at = i.next_run_at,
  claimable_at = CASE WHEN i.flags & {KEEP_LEASE} <> 0 THEN now() + $24
    WHEN i.flags & {HELD} = 0 THEN i.next_run_at END,
  wait_reason = i.wait_reason, last_error = coalesce(i.last_error, CASE WHEN i.visit = e.visit THEN e.last_error END),
  intent_at = CASE WHEN i.flags & {INTENT} <> 0 THEN now() WHEN i.flags & {KEEP_INTENT} <> 0 THEN e.intent_at END,
  fence = e.fence + 1, updated_at = now(),
  finished_at = CASE WHEN i.flags & {FINISHED} <> 0 THEN now() END, exit_reason = i.exit_reason,
  signal = CASE WHEN i.visit = e.visit AND i.flags & {FINISHED} = 0 THEN e.signal END,
  holds = CASE WHEN i.flags & {HELD} <> 0 THEN e.holds | {Hold.STEP.value} ELSE e.holds END,
  held_at = CASE WHEN i.flags & {HELD} <> 0 THEN now() END
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::int[], $8::jsonb[],
  $9::jsonb[], $10::int[], $11::timestamptz[], $12::timestamptz[], $13::int[], $14::text[], $15::jsonb[],
  $16::text[], $17::jsonb[], $18::text[], $19::jsonb[], $20::text[], $21::text[], $22::text[], $23::jsonb[])
  AS i(id, organization_id, fence, status, step_index, step_id, visit, visits, bag, attempt, entered_at, next_run_at,
       flags, wait_reason, last_error, exit_reason, entries, event, event_data, recipient, subject, message_id, links)
WHERE e.id = ANY (ARRAY (SELECT id FROM locked)) AND e.organization_id = i.organization_id AND e.id = i.id
  AND e.fence = i.fence
  AND e.status = 'active' AND (i.flags & {INTENT} = 0 OR e.claimable_at > now() AND NOT EXISTS (
    SELECT FROM workflow w WHERE w.organization_id = e.organization_id AND w.id = e.workflow_id
      AND i.step_id = ANY (w.paused_steps)))
RETURNING e.id, i.fence, e.organization_id, coalesce(e.sends_for, e.id) AS owner, e.workflow_id, e.workflow_version,
  e.visit, e.step_id, e.current_step_index, i.entries, CASE WHEN e.sends_for IS NULL THEN i.event END AS event,
  i.event_data, i.recipient, i.subject, i.message_id, i.links
)"""

WALKS = """
INSERT INTO enrollment_walk (organization_id, enrollment_id, workflow_id, workflow_version, entries)
SELECT organization_id, owner, workflow_id, workflow_version, entries FROM written WHERE entries IS NOT NULL
"""

EVENTS = """
INSERT INTO event (organization_id, type, record_type, record_id, actor_type, data)
SELECT organization_id, event, 'enrollment', id::text, 'workflow', event_data FROM written WHERE event IS NOT NULL
"""

INTENTS = """
INSERT INTO delivery
  (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient, subject, message_id, status,
  fence, links)
SELECT organization_id, owner, workflow_id, visit, step_id, current_step_index, recipient, subject, message_id,
  'intent', fence, ARRAY(SELECT jsonb_array_elements_text(links))
FROM written WHERE message_id IS NOT NULL
ON CONFLICT (organization_id, enrollment_id, visit) DO UPDATE
SET status = 'intent', attempts = delivery.attempts + 1, recipient = excluded.recipient, subject = excluded.subject,
  links = excluded.links, fence = excluded.fence, updated_at = now()
"""

RESULTS = """
UPDATE delivery d SET status = r.status, response = r.response, updated_at = now(),
  sent_at = CASE WHEN r.status = 'sent' THEN now() END
FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::bigint[])
  AS r(organization_id, enrollment_id, visit, status, response, fence)
WHERE d.organization_id = r.organization_id AND d.enrollment_id = r.enrollment_id AND d.visit = r.visit
  AND (d.status = 'intent' AND d.fence = coalesce(r.fence, d.fence)
    OR d.status IN ('unknown', 'dismissed') AND r.status = 'sent')
"""


class Verdict(StrEnum):
    """What became of one item of a commit."""

    WRITTEN = "written"
    FENCED = "fenced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MailIntent:
    """What the delivery row holds before the call, beside where its enrollment stands. `links` is a JSON array of URLs.

    `sender` (empty for the default one) and the contact's `timezone` are what the sending policy asks for.
    """

    visit: int
    recipient: str
    subject: str
    message_id: str
    links: str
    sender: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class MailResult:
    """What the delivery row holds after it: sent, retrying, unknown or failed.

    `fence` is that of the intent that this is the result of; None stands for the intent that is open now.
    """

    visit: int
    status: str
    response: str
    fence: int | None = None


@dataclass(slots=True)
class Progress:
    """Everything that one enrollment writes at once.

    `keep_lease` extends the lease instead of releasing the row; `intent` says that an effect follows right after this
    commit, for which the lease must still hold; `keep_intent` that a call that was begun before stays open; `held` that
    it has come to a paused step. JSON members are texts; None leaves `visits` or `bag` as they are. `entries` is the
    JSON of a row of `EnrollmentWalk`, `finished_steps` has the (type, status) of each for the counters. `event` is
    (type, JSON). `refusal` is set by a commit whose verdict is REFUSED.
    `sends_for` is the run whose mail this one sends again.
    """

    id: int
    organization_id: int
    workflow_id: int
    workflow_version: int
    fence: int
    step_index: int
    step_id: str
    visit: int
    visits: str | None
    bag: str | None
    attempt: int
    entered_at: datetime
    status: EnrollmentStatus = EnrollmentStatus.ACTIVE
    next_run_at: datetime | None = None
    keep_lease: bool = False
    wait_reason: str | None = None
    last_error: str | None = None
    intent: bool = False
    keep_intent: bool = False
    held: bool = False
    exit_reason: str | None = None
    recipient: str | None = None
    entries: str | None = None
    finished_steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    mail: MailIntent | None = None
    results: list[MailResult] = field(default_factory=list[MailResult])
    event: tuple[str, str] | None = None
    refusal: Decision | None = None
    sends_for: int | None = None

    @property
    def owner(self) -> int:
        """The run whose mail and timeline this is."""
        return self.sends_for or self.id

    @property
    def key(self) -> Key:
        """Tells two holders of one enrollment apart that meet in one commit."""
        return self.id, self.fence

    @property
    def finished(self) -> bool:
        return self.status in {EnrollmentStatus.COMPLETED, EnrollmentStatus.FAILED, EnrollmentStatus.CANCELLED}

    @property
    def flags(self) -> int:
        return (
            (KEEP_LEASE if self.keep_lease else 0)
            | (INTENT if self.intent else 0)
            | (FINISHED if self.finished else 0)
            | (HELD if self.held else 0)
            | (KEEP_INTENT if self.keep_intent else 0)
        )


async def commit(database: Database, items: Sequence[Progress], lease_seconds: float) -> list[Verdict]:
    """Write all items in one transaction; the answer says, in their order, what became of each.

    A FENCED item changed nothing but the outcome of a mail that was in flight. A REFUSED one changed nothing: its mail
    must not go out, and its `refusal` says how to go on instead.
    """
    for pause in PAUSES_AFTER_DEADLOCKS:
        try:
            return await _commit_once(database, items, lease_seconds)
        except asyncpg.DeadlockDetectedError:  # somebody locked these rows in another order; all of it is undone
            await asyncio.sleep(pause)
    return await _commit_once(database, items, lease_seconds)


async def _commit_once(database: Database, items: Sequence[Progress], lease_seconds: float) -> list[Verdict]:
    async with database.session(Role.ENGINE) as session:
        return await commit_in(session, items, lease_seconds)


async def commit_in(session: Session, items: Sequence[Progress], lease_seconds: float) -> list[Verdict]:
    """The same inside a transaction that writes more."""
    admitted = await admission(session, [item for item in items if item.recipient])
    for item in items:
        item.refusal = admitted.refused.get(item.key)
    await refuse_while_changing(session, [item for item in items if item.intent and item.refusal is None])
    await refuse_repetitions(session, items)
    wanted = [item for item in items if item.refusal is None]
    await settle_holds(session, [item for item in wanted if item.held])
    written = await _update(session, wanted, lease_seconds)
    await admitted.looked.book(session, written)
    await _update_results(session, wanted)
    return [_verdict(item, written) for item in items]


def _verdict(item: Progress, written: set[Key]) -> Verdict:
    if item.refusal is not None:
        return Verdict.REFUSED
    return Verdict.WRITTEN if item.key in written else Verdict.FENCED


async def _update(session: Session, items: Sequence[Progress], lease_seconds: float) -> set[Key]:
    if not items:
        return set()
    mails = [item.mail for item in items]
    columns: list[list[Any]] = [
        [i.id for i in items],
        [i.organization_id for i in items],
        [i.fence for i in items],
        [i.status for i in items],
        [i.step_index for i in items],
        [i.step_id for i in items],
        [i.visit for i in items],
        [i.visits for i in items],
        [i.bag for i in items],
        [i.attempt for i in items],
        [i.entered_at for i in items],
        [i.next_run_at for i in items],
        [i.flags for i in items],
        [i.wait_reason for i in items],
        [i.last_error for i in items],
        [i.exit_reason for i in items],
        [i.entries for i in items],
        [i.event and i.event[0] for i in items],
        [i.event and i.event[1] for i in items],
        [mail and mail.recipient for mail in mails],
        [mail and mail.subject for mail in mails],
        [mail and mail.message_id for mail in mails],
        [mail and mail.links for mail in mails],
    ]
    session.news.update(item.organization_id for item in items if item.event)
    rows = await session.fetch(_statement(mails=any(mails)), *columns, timedelta(seconds=lease_seconds))
    return {(row["id"], row["fence"]) for row in rows}


def _statement(*, mails: bool) -> str:
    """Without mails nothing is said of them: even none at all would run the triggers on deliveries."""
    intents = f", intents AS ({INTENTS})" if mails else ""
    return f"{UPDATE}, walks AS ({WALKS}), events AS ({EVENTS}){intents} SELECT id, fence FROM written"


async def _update_results(session: Session, items: Sequence[Progress]) -> None:
    rows = [(item, result) for item in items for result in item.results]
    if rows:
        await session.execute(
            RESULTS,
            [item.organization_id for item, _ in rows],
            [item.owner for item, _ in rows],
            [result.visit for _, result in rows],
            [result.status for _, result in rows],
            [result.response for _, result in rows],
            [result.fence for _, result in rows],
        )
