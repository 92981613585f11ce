"""What a simulation goes by, and what it keeps of each contact. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from drippulse.workflows.graph import Graph
from drippulse.workflows.simulation.caps import Admission, Mail
from drippulse.workflows.simulation.errors import Spent
from drippulse.workflows.simulation.lots import Lots
from drippulse.workflows.simulation.mails import QuickMail, Seen, quick_mails
from drippulse.workflows.simulation.waiting import Answer
from drippulse.workflows.walk import StepRecord, Subject, Walk, WalkState

RETRY_BASE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who enters at `at`. `enrollment_id` is what steps see; `bag` is made when it is needed."""

    number: int
    enrollment_id: int
    at: datetime
    timezone: str
    bag: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class World:
    """What a run goes by.

    `horizon` ends it; `spent` is asked now and then, and what it names stops it with an error. `suppressed` are
    addresses as `same_mailbox_key`, `endings` the (event type, exit reason) of goals and exit criteria. `quick` finds
    the steps whose mails need no composing; without it every mail is composed whenever it is asked about.
    """

    organization_id: int
    workflow_id: int
    horizon: datetime
    lots: Lots
    admission: Admission
    suppressed: frozenset[str] = frozenset()
    endings: tuple[tuple[str, str], ...] = ()
    organization_timezone: str = "UTC"
    spent: Callable[[], Spent | None] = lambda: None
    retry_base: float = RETRY_BASE_SECONDS
    quick: Callable[[Graph], Mapping[int, QuickMail]] | None = quick_mails


@dataclass(slots=True)
class Person:
    """One contact under way.

    `answer` is what visit `asked_visit` will be told at its time. `mail` is the one that was last asked about, late
    since then by these rules. `seen` is the mail of visit `seen_visit`, which is the same whenever it goes out.
    """

    contact: Contact
    subject: Subject
    state: WalkState
    asked_visit: int = 0
    answer: Answer | None = None
    admitted_visit: int = 0
    mail: Mail | None = None
    late_since: datetime | None = None
    rules: set[str] = field(default_factory=set[str])
    seen_visit: int = 0
    seen: Seen | None = None
    over: bool = False


class Watcher(Protocol):
    """Is told what happens, in the order of time. `index` is a step's place in the graph. A visit is told as it begins
    and once it is over, not when it waits."""

    def entered(self, person: Person, index: int, at: datetime, *, first: bool) -> None: ...
    def record(self, person: Person, record: StepRecord, missing: dict[str, None]) -> None: ...
    def sent(self, person: Person, index: int, at: datetime, late: timedelta) -> None: ...
    def suppressed(self, index: int) -> None: ...
    def refused(self, reason: str, *, first: bool) -> None: ...
    def ended(self, person: Person, walk: Walk, at: datetime) -> None: ...
