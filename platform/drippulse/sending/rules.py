"""The look at caps, quiet hours and the breaker, in the transaction that commits the intents of mails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from drippulse.kit.db import Record, Session
from drippulse.sending import metrics, queries
from drippulse.sending.breaker import LOOK_AGAIN
from drippulse.sending.quiet_hours import SPREAD, loud_again
from drippulse.sending.schemas import SendingPolicy, parsed
from drippulse.sending.state import Admitted, Key, Wanted, admit, limits, share_of
from drippulse.sending.tables import QUIET_HOURS, STOPPED, Breaker
from drippulse.workflows.steps.base import WaitUntil


class Envelope(Protocol):
    """What the rules know of a mail. `sender` is empty for the default one; zones are IANA names."""

    @property
    def visit(self) -> int: ...
    @property
    def recipient(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def timezone(self) -> str: ...


class Outgoing(Protocol):
    @property
    def key(self) -> Key: ...
    @property
    def id(self) -> int: ...
    @property
    def organization_id(self) -> int: ...
    @property
    def mail(self) -> Envelope | None: ...


@dataclass(slots=True)
class Looked:
    """`waits`: those that may not go now. What the others count for is written by `book`."""

    waits: dict[Key, WaitUntil] = field(default_factory=dict[Key, WaitUntil])
    admitted: Admitted = field(default_factory=Admitted)

    async def book(self, session: Session, written: set[Key]) -> None:
        """Count the mails whose intents this transaction writes."""
        if self.admitted.reserved or self.admitted.full:
            await queries.book(session, self.admitted, written)


async def look(session: Session, mails: Sequence[Outgoing]) -> Looked:
    """Who may go. One cheap statement for organizations that limit nothing."""
    looked = Looked()
    if not mails:
        return looked
    organizations = {row["id"]: row for row in await queries.states(session, [m.organization_id for m in mails])}
    wanted: list[tuple[Outgoing, Envelope, Wanted]] = []
    for mail in mails:
        row, envelope = organizations.get(mail.organization_id), mail.mail
        if row is None or envelope is None:
            continue
        policy, spread = parsed(row["sending"]), share_of(mail.organization_id, mail.id, envelope.visit)
        wait = _held_back(row, policy, envelope, spread)
        if wait is not None:
            looked.waits[mail.key] = wait
        elif found := limits(policy, mail.organization_id, envelope.recipient, envelope.sender, row["now"]):
            wanted.append((mail, envelope, Wanted(mail.key, found, spread)))
    if wanted:
        await _within_caps(session, wanted, looked)
    for wait in looked.waits.values():
        metrics.PUT_OFF.labels(wait.reason).inc()
    return looked


def _held_back(row: Record, policy: SendingPolicy, envelope: Envelope, spread: float) -> WaitUntil | None:
    now: datetime = row["now"]
    if row["breaker"] == Breaker.STOPPED:
        return WaitUntil(now + LOOK_AGAIN * (0.75 + spread / 4), STOPPED)
    if policy.quiet_hours is not None:
        until = loud_again(policy.quiet_hours, now, envelope.timezone, row["timezone"])
        if until > now:
            return WaitUntil(until + SPREAD * spread, QUIET_HOURS)
    return None


async def _within_caps(session: Session, wanted: Sequence[tuple[Outgoing, Envelope, Wanted]], looked: Looked) -> None:
    """A mail that was begun before, and is tried again, has its place already."""
    keys = {mail.key: (mail.organization_id, mail.id, envelope.visit) for mail, envelope, _ in wanted}
    begun = await queries.begun(session, list(keys.values()))
    new = [one for _, _, one in wanted if keys[one.key] not in begun]
    if not new:
        return
    rooms = await queries.lock_rooms(session, {limit.bucket for one in new for limit in one.limits})
    looked.admitted = admit(new, rooms)
    for key, (until, reason) in looked.admitted.put_off.items():
        looked.waits[key] = WaitUntil(until, reason)
