"""Which mail may go out when, by the rules that real mails go by, counted in memory. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from drippulse.sending.quiet_hours import SPREAD, loud_again
from drippulse.sending.schemas import SendingPolicy
from drippulse.sending.state import WINDOWS, Admitted, Bucket, Room, Wanted, admit, limits, share_of, wait_reason
from drippulse.sending.tables import QUIET_HOURS, Scope

LENGTHS = {seconds: name for name, seconds in WINDOWS.items()}
PER_DAY = "per_day"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that wants to go out. `sender` is empty for the default one."""

    enrollment_id: int
    visit: int
    recipient: str
    sender: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not now: ask again at `at`. `rules` are all that say so (`cap:contact:per_week`, `quiet_hours`)."""

    at: datetime
    reason: str
    rules: tuple[str, ...]


class Admission(Protocol):
    """Decides about mails in the order of time; one that is let through is counted."""

    def admit(self, mail: Mail, now: datetime) -> Refusal | None: ...


@dataclass(slots=True)
class PolicyAdmission:
    """An organization's sending policy. Counters begin at zero; the breaker stays closed."""

    policy: SendingPolicy
    organization_id: int
    organization_timezone: str = "UTC"
    _rooms: dict[Bucket, Room] = field(default_factory=dict[Bucket, Room])
    _counts: bool = field(init=False)

    def __post_init__(self) -> None:
        self._counts = any(rule != QUIET_HOURS for rule, _ in self.rules)

    def admit(self, mail: Mail, now: datetime) -> Refusal | None:
        spread = share_of(self.organization_id, mail.enrollment_id, mail.visit)
        quiet = self.policy.quiet_hours
        if quiet is not None:
            until = loud_again(quiet, now, mail.timezone, self.organization_timezone)
            if until > now:
                return Refusal(until + SPREAD * spread, QUIET_HOURS, (QUIET_HOURS,))
        if not self._counts:
            return None
        found = limits(self.policy, self.organization_id, mail.recipient, mail.sender, now)
        key = (mail.enrollment_id, mail.visit)
        rooms = {limit.bucket: self._rooms[limit.bucket] for limit in found if limit.bucket in self._rooms}
        admitted = admit([Wanted(key, found, spread)], rooms)
        self._book(admitted)
        if key not in admitted.put_off:
            return None
        until, reason = admitted.put_off[key]
        return Refusal(until, reason, tuple(_rule(bucket) for bucket in admitted.full))

    def _book(self, admitted: Admitted) -> None:
        for buckets in admitted.reserved.values():
            for bucket in buckets:
                self._rooms.setdefault(bucket, Room()).sent += 1
        for bucket, times in admitted.full.items():
            self._rooms.setdefault(bucket, Room()).put_off += times

    @property
    def rules(self) -> list[tuple[str, int | None]]:
        """(name, limit) of everything that can refuse a mail; the limit of a ramp-up changes by the day."""
        return list(_rules(self.policy))


def _rules(policy: SendingPolicy) -> Iterator[tuple[str, int | None]]:
    for scope in type(policy.caps).model_fields:
        for window in WINDOWS:
            cap: int | None = getattr(getattr(policy.caps, scope), window)
            if cap is not None:
                yield f"{wait_reason(scope)}:{window}", cap
    if policy.ramp_up is not None:
        yield f"{Scope.RAMP_UP}:{PER_DAY}", None
    if policy.quiet_hours is not None:
        yield QUIET_HOURS, None


def _rule(bucket: Bucket) -> str:
    return f"{wait_reason(bucket.scope)}:{LENGTHS[bucket.seconds]}"
