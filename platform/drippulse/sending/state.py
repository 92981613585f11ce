"""The arithmetic of caps: which mails of a group may go now, and when the others are looked at again. Pure."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import TypeAlias

from drippulse.kit.addresses import same_mailbox_key
from drippulse.sending.schemas import Caps, RampUp, SendingPolicy
from drippulse.sending.tables import Scope

Key: TypeAlias = tuple[int, int]

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
WINDOWS = {"per_minute": MINUTE, "per_hour": HOUR, "per_day": DAY, "per_week": WEEK}
FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
LONGEST_SPREAD = timedelta(hours=1)
CONTACT_SPREAD = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=28)


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """One window of one cap. The order is that in which rows are locked."""

    organization_id: int
    scope: str
    key: str
    seconds: int
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Limit:
    bucket: Bucket
    cap: int


@dataclass(slots=True)
class Room:
    """What a window holds already: mails begun, and how often one found it full."""

    sent: int = 0
    put_off: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail and every window it counts in. `spread` (0 to 1) is its own, the same each time."""

    key: Key
    limits: tuple[Limit, ...]
    spread: float


@dataclass(slots=True)
class Admitted:
    """`reserved`: the windows of those that may go. `put_off`: (until, reason) of those that may not.

    `full` counts, for each window, those who found it full.
    """

    reserved: dict[Key, tuple[Bucket, ...]] = field(default_factory=dict[Key, tuple[Bucket, ...]])
    put_off: dict[Key, tuple[datetime, str]] = field(default_factory=dict[Key, tuple[datetime, str]])
    full: dict[Bucket, int] = field(default_factory=dict[Bucket, int])


def window_start(now: datetime, seconds: int) -> datetime:
    """The start of the UTC window that `now` lies in; weeks begin on Monday."""
    return now - (now - FIRST_MONDAY) % timedelta(seconds=seconds)


def share_of(*parts: object) -> float:
    """A number from 0 to 1 that is always the same for these parts."""
    return zlib.crc32(":".join(map(str, parts)).encode()) / 2**32


def sender_key(sender: str | None) -> str:
    """Empty for the default sender."""
    address = parseaddr(sender or "")[1]
    return same_mailbox_key(address) if "@" in address else ""


def limits(
    policy: SendingPolicy, organization_id: int, recipient: str, sender: str | None, now: datetime
) -> tuple[Limit, ...]:
    """Every window that a mail counts in."""
    if policy.ramp_up is None and "caps" not in policy.model_fields_set:
        return ()
    mailbox = same_mailbox_key(recipient)
    keys = {
        Scope.ORGANIZATION: "",
        Scope.SENDER: sender_key(sender),
        Scope.RECIPIENT_DOMAIN: mailbox.rpartition("@")[2],
        Scope.CONTACT: mailbox,
    }
    found = [
        limit
        for scope, key in keys.items()
        for limit in _windows(getattr(policy.caps, scope.value), organization_id, scope, key, now)
    ]
    ramp = policy.ramp_up
    if ramp is not None and (ramp.sender is None or sender_key(ramp.sender) == keys[Scope.SENDER]):
        allowance = ramp_allowance(ramp, now)
        if allowance is not None:
            key = keys[Scope.SENDER] if ramp.sender else ""
            bucket = Bucket(organization_id, Scope.RAMP_UP, key, DAY, window_start(now, DAY))
            found.append(Limit(bucket, allowance))
    return tuple(found)


def _windows(caps: Caps, organization_id: int, scope: Scope, key: str, now: datetime) -> Iterable[Limit]:
    for name, seconds in WINDOWS.items():
        cap = getattr(caps, name)
        if cap is not None:
            yield Limit(Bucket(organization_id, scope, key, seconds, window_start(now, seconds)), cap)


def ramp_allowance(ramp: RampUp, now: datetime) -> int | None:
    """Mails of the present UTC day; None once the ramp is over."""
    started = ramp.started_at or now
    day = max(0, (window_start(now, DAY) - window_start(started, DAY)).days)
    if day >= ramp.days:
        return None
    return int(ramp.start_per_day * ramp.factor**day) if ramp.factor else ramp.start_per_day + (ramp.step or 0) * day


def admit(wanted: Sequence[Wanted], rooms: Mapping[Bucket, Room]) -> Admitted:
    """Who may go, in the order given: each with room in all of its windows, or not at all.

    `rooms` is left as it is. Whoever is put off waits for the window in which, at this cap, its turn comes.
    """
    used = {bucket: room.sent for bucket, room in rooms.items()}
    answer = Admitted()
    for mail in wanted:
        full = [limit for limit in mail.limits if used.get(limit.bucket, 0) >= limit.cap]
        if full:
            answer.put_off[mail.key] = _put_off(mail, full, rooms, answer.full)
            continue
        answer.reserved[mail.key] = tuple(limit.bucket for limit in mail.limits)
        for limit in mail.limits:
            used[limit.bucket] = used.get(limit.bucket, 0) + 1
    return answer


def _put_off(
    mail: Wanted, full: Sequence[Limit], rooms: Mapping[Bucket, Room], counted: dict[Bucket, int]
) -> tuple[datetime, str]:
    turns: list[tuple[datetime, str]] = []
    for limit in full:
        bucket = limit.bucket
        rank = (rooms[bucket].put_off if bucket in rooms else 0) + counted.get(bucket, 0)
        counted[bucket] = counted.get(bucket, 0) + 1
        turns.append((turn(limit, rank, mail.spread), wait_reason(bucket.scope)))
    return max(turns)


def turn(limit: Limit, rank: int, spread: float) -> datetime:
    """When it is worth looking again for the one before whom `rank` others wait for this window."""
    bucket = limit.bucket
    length = timedelta(seconds=bucket.seconds)
    longest = CONTACT_SPREAD if bucket.scope == Scope.CONTACT else LONGEST_SPREAD
    ahead = min(length * (rank // limit.cap), LONGEST_WAIT)
    return bucket.ends_at + ahead + min(length * 0.9, longest) * spread


def wait_reason(scope: str) -> str:
    return scope if scope == Scope.RAMP_UP else f"cap:{scope}"
