"""When the sending policy likely lets a coming mail out, by its caps and quiet hours as they stand now. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drippulse.kit.clock import isoformat
from drippulse.sending.quiet_hours import SPREAD, loud_again
from drippulse.sending.schemas import SendingPolicy
from drippulse.sending.state import WINDOWS, Bucket, Limit, Room, limits, share_of, turn, wait_reason
from drippulse.sending.tables import QUIET_HOURS, STOPPED, Scope

MOST_DELAYS = 30
NAMES = {seconds: name.removeprefix("per_") for name, seconds in WINDOWS.items()}
EMPTY = Room()
WHOSE = {
    Scope.ORGANIZATION: "of the organization",
    Scope.SENDER: "of the sender",
    Scope.RECIPIENT_DOMAIN: "on mail to {key}",
    Scope.CONTACT: "on mail to one contact, over all workflows,",
    Scope.RAMP_UP: "of the ramp-up",
}


@dataclass(frozen=True, slots=True)
class Delay:
    """Something that puts a mail off, as its `wait_reason`. `until` None: nobody can tell."""

    reason: str
    until: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A mail that wants to go out. `begun`: it was tried before, and has its place under the caps already."""

    enrollment_id: int
    visit: int
    recipient: str
    sender: str
    timezone: str
    begun: bool = False


@dataclass(slots=True)
class Sends:
    """The policy as it stands. `rooms` are the present windows; later ones are taken for empty.

    `seen` collects the recipients and senders that were asked about, for whoever fetches the rooms.
    """

    organization_id: int
    timezone: str
    policy: SendingPolicy
    stopped: bool = False
    rooms: Mapping[Bucket, Room] = field(default_factory=dict[Bucket, Room])
    used: Counter[Bucket] = field(default_factory=Counter[Bucket])
    seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def when(self, mail: Coming, at: datetime) -> tuple[datetime | None, list[Delay]]:
        """When a mail that is ready at `at` likely goes out (None: nobody can tell), and what puts it off until then.

        One that goes out counts against those that are asked about after it.
        """
        self.seen.add((mail.recipient, mail.sender))
        if self.stopped:
            return None, [Delay(STOPPED, None, "the breaker on complaints and bounces has stopped all mail")]
        spread = share_of(self.organization_id, mail.enrollment_id, mail.visit)
        delays: list[Delay] = []
        for _ in range(MOST_DELAYS):
            delay = self._quiet(mail, at, spread) or self._capped(mail, at, spread)
            if delay is None or delay.until is None:
                break
            delays.append(delay)
            at = delay.until
        self.used.update(limit.bucket for limit in self._limits(mail, at))
        return at, delays

    def _limits(self, mail: Coming, at: datetime) -> tuple[Limit, ...]:
        return limits(self.policy, self.organization_id, mail.recipient, mail.sender, at)

    def _quiet(self, mail: Coming, at: datetime, spread: float) -> Delay | None:
        rule = self.policy.quiet_hours
        if rule is None:
            return None
        until = loud_again(rule, at, mail.timezone, self.timezone)
        if until <= at:
            return None
        return Delay(QUIET_HOURS, until + SPREAD * spread, f"quiet hours end at {isoformat(until)}")

    def _capped(self, mail: Coming, at: datetime, spread: float) -> Delay | None:
        if mail.begun:
            return None
        full = [limit for limit in self._limits(mail, at) if self._sent(limit.bucket) >= limit.cap]
        if not full:
            return None
        turns = [(turn(limit, self._room(limit.bucket).put_off, spread), limit) for limit in full]
        until, limit = max(turns, key=lambda one: (one[0], wait_reason(one[1].bucket.scope)))
        return Delay(wait_reason(limit.bucket.scope), until, _sentence(limit))

    def _room(self, bucket: Bucket) -> Room:
        return self.rooms.get(bucket, EMPTY)

    def _sent(self, bucket: Bucket) -> int:
        return self._room(bucket).sent + self.used[bucket]


def _sentence(limit: Limit) -> str:
    whose = WHOSE[Scope(limit.bucket.scope)].format(key=limit.bucket.key)
    mails = "1 mail" if limit.cap == 1 else f"{limit.cap} mails"
    return f"the cap {whose} of {mails} per {NAMES[limit.bucket.seconds]} is reached"
