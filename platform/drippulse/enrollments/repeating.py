"""The last look before a mail of unknown outcome is sent again, in the transaction that commits the intent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from drippulse.enrollments import unknown_queries as sql
from drippulse.enrollments.gate import CHANGING, LOOK_AGAIN
from drippulse.enrollments.tables import HOLD_REASONS, Hold
from drippulse.kit.db import Session
from drippulse.workflows.steps.base import Advance, Decision, WaitUntil

PAUSED_LOOK_AGAIN = timedelta(minutes=1)
GONE = "the run that it belongs to was cancelled or removed"
SETTLED = {"sent": "the mail server's answer came after all", "dismissed": "an operator decided not to do it again"}


class Repetition(Protocol):
    """A run that sends the mail of the run `sends_for` again."""

    id: int
    organization_id: int
    visit: int
    sends_for: int | None
    recipient: str | None
    next_run_at: datetime | None
    refusal: Decision | None


async def refuse_repetitions(session: Session, items: Sequence[Repetition]) -> None:
    """Set `refusal` of those whose run is gone or paused by itself, and of those whose mail is settled by now."""
    again = [item for item in items if item.sends_for is not None and item.recipient and item.refusal is None]
    if not again:
        return
    organizations, owners = [item.organization_id for item in again], [item.sends_for for item in again]
    rows = await session.fetch(sql.REPEATED, [item.id for item in again], organizations, owners)
    runs = {row["id"]: row for row in rows}
    found = await session.fetch(sql.SETTLED, organizations, owners, [item.visit for item in again])
    settled = {(row["enrollment_id"], row["visit"]): row["status"] for row in found}
    for item in again:
        run, now = runs.get(item.id), item.next_run_at
        if (status := settled.get((item.sends_for, item.visit))) is not None:
            item.refusal = Advance(skipped=SETTLED[status])
        elif run is None:
            item.refusal = WaitUntil(now + LOOK_AGAIN if now else None, CHANGING)
        elif run["gone"]:
            item.refusal = Advance(skipped=GONE)
        elif run["paused"]:
            item.refusal = WaitUntil(now + PAUSED_LOOK_AGAIN if now else None, HOLD_REASONS[Hold.ENROLLMENT])
