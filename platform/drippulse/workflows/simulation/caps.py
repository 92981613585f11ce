"""Which mail may go out when, by the rules that real mails go by, counted in memory. Pure."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from drippulse.kit.addresses import same_mailbox_key
from drippulse.sending.quiet_hours import SPREAD, loud_again
from drippulse.sending.schemas import SendingPolicy
from drippulse.sending.state import (
    FIRST_MONDAY,
    WINDOWS,
    Bucket,
    Limit,
    ramp_allowance,
    sender_key,
    share_of,
    turn,
    wait_reason,
    window_start,
)
from drippulse.sending.tables import QUIET_HOURS, Scope

PER_DAY = "per_day"
UNLIMITED = sys.maxsize


@dataclass(slots=True)
class Mail:
    """A mail that wants to go out. `sender` is empty for the default one. `spread` is kept for the admission."""

    enrollment_id: int
    visit: int
    recipient: str
    sender: str
    timezone: str
    spread: float | None = field(default=None, compare=False)


@dataclass(slots=True)
class Refusal:
    """Not now: ask again at `at`. `rules` are all that say so (`cap:contact:per_week`, `quiet_hours`). Read-only by
    agreement: a frozen dataclass takes three times as long to make."""

    at: datetime
    reason: str
    rules: tuple[str, ...]


class Admission(Protocol):
    """Decides about mails in the order of time; one that is let through is counted."""

    def admit(self, mail: Mail, now: datetime) -> Refusal | None: ...


@dataclass(frozen=True, slots=True)
class _Cap:
    """One number of the policy. `cap` is None for a ramp-up, whose number changes by the day."""

    scope: Scope
    seconds: int
    cap: int | None
    reason: str
    rule: str


@dataclass(slots=True)
class _Window:
    """One cap for one key (an address, a domain) in the window that a mail was last counted in, and what it holds.

    Once that is over, the next one is empty, and nothing is kept of it until it counts a mail.
    """

    of: _Cap
    key: str
    ends_at: datetime = FIRST_MONDAY
    cap: int = 0
    sent: int = 0
    put_off: int = 0
    limit: Limit | None = None

    def begin(self, ends_at: datetime, cap: int) -> None:
        self.ends_at, self.cap, self.sent, self.put_off, self.limit = ends_at, cap, 0, 0, None


@dataclass(slots=True)
class PolicyAdmission:
    """An organization's sending policy. Counters begin at zero; the breaker stays closed.

    It decides as `sending.state` does for mails that come one by one. As time only goes on, it keeps one window for
    each cap and key, and which windows a mail counts in.
    """

    policy: SendingPolicy
    organization_id: int
    organization_timezone: str = "UTC"
    _caps: list[_Cap] = field(init=False)
    _windows: dict[tuple[_Cap, str], _Window] = field(default_factory=dict[tuple[_Cap, str], _Window])
    _ends: dict[int, datetime] = field(default_factory=dict[int, datetime])
    _counted: dict[tuple[str, str], tuple[_Window, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[_Window, ...]]
    )

    def __post_init__(self) -> None:
        self._caps = list(_caps(self.policy))

    def admit(self, mail: Mail, now: datetime) -> Refusal | None:
        quiet = self.policy.quiet_hours
        if quiet is not None:
            until = loud_again(quiet, now, mail.timezone, self.organization_timezone)
            if until > now:
                return Refusal(until + SPREAD * self._spread(mail), QUIET_HOURS, (QUIET_HOURS,))
        if not self._caps:
            return None
        windows = self._counted.get((mail.recipient, mail.sender)) or self._of(mail)
        full = [window for window in windows if now < window.ends_at and window.sent >= window.cap]
        if full:
            return self._put_off(mail, full)
        for window in windows:
            if now >= window.ends_at:
                window.begin(self._end(window.of.seconds, now), self._allowance(window.of, now))
            window.sent += 1
        return None

    def _put_off(self, mail: Mail, full: list[_Window]) -> Refusal:
        spread = self._spread(mail)
        turns: list[tuple[datetime, str]] = []
        for window in full:
            turns.append((turn(self._limit(window), window.put_off, spread), window.of.reason))
            window.put_off += 1
        until, reason = max(turns)
        return Refusal(until, reason, tuple([window.of.rule for window in full]))

    def _limit(self, window: _Window) -> Limit:
        if window.limit is None:
            cap = window.of
            starts_at = window.ends_at - timedelta(seconds=cap.seconds)
            bucket = Bucket(self.organization_id, cap.scope, window.key, cap.seconds, starts_at)
            window.limit = Limit(bucket, window.cap)
        return window.limit

    def _spread(self, mail: Mail) -> float:
        if mail.spread is None:
            mail.spread = share_of(self.organization_id, mail.enrollment_id, mail.visit)
        return mail.spread

    def _end(self, seconds: int, now: datetime) -> datetime:
        """When the window of this length ends that the clock is in."""
        ends_at = self._ends.get(seconds, FIRST_MONDAY)
        if now >= ends_at:
            ends_at = self._ends[seconds] = window_start(now, seconds) + timedelta(seconds=seconds)
        return ends_at

    def _allowance(self, cap: _Cap, now: datetime) -> int:
        ramp = self.policy.ramp_up
        allowed = cap.cap if cap.scope is not Scope.RAMP_UP or ramp is None else ramp_allowance(ramp, now)
        return UNLIMITED if allowed is None else allowed

    def _of(self, mail: Mail) -> tuple[_Window, ...]:
        """Every window that a mail counts in."""
        keys = self._keys(mail)
        windows = tuple(self._window(cap, keys[cap.scope]) for cap in self._caps if cap.scope in keys)
        self._counted[mail.recipient, mail.sender] = windows
        return windows

    def _keys(self, mail: Mail) -> dict[Scope, str]:
        mailbox, sender, ramp = same_mailbox_key(mail.recipient), sender_key(mail.sender), self.policy.ramp_up
        keys = {
            Scope.ORGANIZATION: "",
            Scope.SENDER: sender,
            Scope.RECIPIENT_DOMAIN: mailbox.rpartition("@")[2],
            Scope.CONTACT: mailbox,
        }
        if ramp is not None and (ramp.sender is None or sender_key(ramp.sender) == sender):
            keys[Scope.RAMP_UP] = sender if ramp.sender else ""
        return keys

    def _window(self, cap: _Cap, key: str) -> _Window:
        if (cap, key) not in self._windows:
            self._windows[cap, key] = _Window(cap, key)
        return self._windows[cap, key]

    @property
    def rules(self) -> list[tuple[str, int | None]]:
        """(name, limit) of everything that can refuse a mail; the limit of a ramp-up changes by the day."""
        quiet: list[tuple[str, int | None]] = [] if self.policy.quiet_hours is None else [(QUIET_HOURS, None)]
        return [*((cap.rule, cap.cap) for cap in self._caps), *quiet]


def _caps(policy: SendingPolicy) -> Iterator[_Cap]:
    for scope in type(policy.caps).model_fields:
        for window in WINDOWS:
            cap: int | None = getattr(getattr(policy.caps, scope), window)
            if cap is not None:
                yield _cap(Scope(scope), window, cap)
    if policy.ramp_up is not None:
        yield _cap(Scope.RAMP_UP, PER_DAY, None)


def _cap(scope: Scope, window: str, cap: int | None) -> _Cap:
    reason = wait_reason(scope)
    return _Cap(scope, WINDOWS[window], cap, reason, f"{reason}:{window}")
