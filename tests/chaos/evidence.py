"""What a run leaves behind to be judged: what arrived outside, what the database says, what callers were promised."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import groupby


class Effect(StrEnum):
    """The classes of effects, as the receivers see them."""

    AT_MOST_ONCE = "at most once"
    KEYED = "keyed"
    AT_LEAST_ONCE = "at least once"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that reached the outside.

    `key` and the three numbers are what the product says it is (Message-ID, Idempotency-Key, webhook-id); `token` and
    `step` stand in the content and identify the step visit independently, since the workflows here have no loops.
    `addressee` is the token of the one it went to. `at` is the receiver's clock, seconds since 1970.
    """

    effect: Effect
    key: str
    organization_id: int
    enrollment_id: int
    visit: int
    token: str
    step: str
    addressee: str
    at: float

    @property
    def visited(self) -> tuple[str, str]:
        return self.token, self.step


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a workflow as its author meant it: step ids in order, and the seconds that each waits.

    `enrolls`: step id -> the workflow that it enrolls in. `writes`: step id -> what it does to the CRM. `listens`: step
    id -> (event, seconds until it gives up). `longest` is the most seconds that any of its steps may rest.
    """

    steps: tuple[str, ...]
    waits: Mapping[str, float]
    enrolls: Mapping[str, int] = field(default_factory=dict[str, int])
    writes: Mapping[str, str] = field(default_factory=dict[str, str])
    listens: Mapping[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    longest: float = 0.0

    def earliest(self, step: str) -> float:
        """Seconds from enrolling to the earliest moment at which `step` may begin."""
        before = self.steps[: self.steps.index(step)]
        return sum(self.waits.get(one, 0.0) for one in before)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A contact that a 2xx promised to take through a workflow."""

    enrollment_id: int
    organization_id: int
    workflow_id: int
    version: int
    token: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop that was answered with 2xx at `at` (seconds since 1970): from then on nothing more begins.

    `kind` is unsubscribe (names a token), delete or cancel (an enrollment), or pause, until `until`, of whatever is
    named most closely: an enrollment, a step of a workflow, a workflow, else the organization.
    """

    kind: str
    organization_id: int
    at: float
    token: str = ""
    enrollment_id: int = 0
    workflow_id: int = 0
    step_id: str = ""
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event of this type for this contact that got a 2xx at `at` (seconds since 1970)."""

    kind: str
    organization_id: int
    token: str
    at: float


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that got a 2xx; `status` is what the approval is from then on."""

    approval_id: int
    status: str


@dataclass
class Promises:
    """The driver's own log. `owners` has every token ever sent, answered or not, with its organization.

    `retried` are enrollments whose failed step somebody began again, `migrated` workflows whose runs may have been
    carried to another version, `started` the workflow that an event of a type starts in an organization.
    """

    owners: dict[str, int] = field(default_factory=dict[str, int])
    accepted: list[Accepted] = field(default_factory=list[Accepted])
    stopped: list[Stopped] = field(default_factory=list[Stopped])
    plans: dict[tuple[int, int], Plan] = field(default_factory=dict[tuple[int, int], Plan])
    sent: list[Sent] = field(default_factory=list[Sent])
    decided: list[Decided] = field(default_factory=list[Decided])
    retried: set[int] = field(default_factory=set[int])
    migrated: set[int] = field(default_factory=set[int])
    started: dict[tuple[int, str], int] = field(default_factory=dict[tuple[int, str], int])


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    id: int
    organization_id: int
    workflow_id: int
    version: int
    token: str
    status: str
    step_id: str
    visit: int
    next_run_at: datetime | None
    claimable_at: datetime | None
    wait_reason: str | None
    holds: int
    created_at: datetime
    deleted_at: datetime | None
    error_code: str | None
    workflow_organization_id: int

    @property
    def ended(self) -> bool:
        return self.status in {"completed", "failed", "cancelled"} or self.deleted_at is not None

    @property
    def held(self) -> bool:
        return self.holds != 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a timeline, in the order in which it was written.

    `decision` is what an approval came to, `event_id` the event that a wait ended with; `from_version`, `to_version`
    and `to_step` are set where a run was carried to another version (`to_step` is None where that ended it).
    """

    enrollment_id: int
    visit: int
    step_id: str
    kind: str
    status: str
    started_at: datetime
    finished_at: datetime
    decision: str | None
    event_id: int | None
    from_version: int | None
    to_version: int | None
    to_step: str | None

    @property
    def moved(self) -> bool:
        return self.status == "moved"

    @property
    def final(self) -> bool:
        return self.status not in {"retrying", "moved"}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    enrollment_id: int
    organization_id: int
    visit: int
    step_id: str
    status: str


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """`reports` is how many `approval.decided` the event log has of it."""

    id: int
    organization_id: int
    enrollment_id: int
    visit: int
    status: str
    reports: int


@dataclass(frozen=True, slots=True)
class Written:
    """How often the CRM shows what one step did for one contact: rows made by it, or events of its change."""

    token: str
    step: str
    times: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """What the product answers about a workflow: `totals` by status, and the active ones by step id (those on older
    versions' own steps too)."""

    workflow_id: int
    totals: Mapping[str, int]
    steps: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One write to an enrollment, recorded by a trigger; those of one enrollment are in the order of its row lock.

    `by` is the writing process (its life, such as "worker-1.7"), `began` when the transaction began. `told` says that
    somebody only left word for whoever takes it next, which the dispatcher of events does inside a worker.
    """

    enrollment_id: int
    by: str
    began: datetime
    fence_before: int
    fence: int
    visit_before: int
    visit: int
    status: str
    attempt_before: int
    attempt: int
    claimable_before: datetime | None
    claimable_at: datetime | None
    intent_before: datetime | None
    intent_at: datetime | None
    progressed: bool
    deleted: bool
    told: bool

    @property
    def by_worker(self) -> bool:
        return self.by.startswith("worker")

    @property
    def is_claim(self) -> bool:
        return not self.progressed and self.fence > self.fence_before and self.attempt > self.attempt_before

    @property
    def is_release(self) -> bool:
        return not self.progressed and self.fence > self.fence_before and self.attempt <= self.attempt_before

    @property
    def is_intent(self) -> bool:
        return self.progressed and self.intent_at is not None and self.intent_at != self.intent_before

    def holder_after(self, holder: str | None) -> str | None:
        """Which process has the enrollment after this, when `holder` had it before."""
        if self.is_claim or self.is_intent:
            return self.by
        return holder if self.fence == self.fence_before else None


Counts = Mapping[tuple[int, int, str, int], int]
"""(organization, workflow, status, step index) -> enrollments."""


@dataclass(frozen=True)
class Snapshot:
    """The database at `now`. `foreign` counts rows of others that each organization's own sessions can see."""

    now: datetime
    enrollments: Sequence[EnrollmentRow]
    entries: Sequence[Entry]
    deliveries: Sequence[DeliveryRow]
    changes: Sequence[Change]
    suppressed: frozenset[tuple[int, str]]
    versions: frozenset[tuple[int, int]]
    counted: Counts
    recounted: Counts
    foreign: int
    funnels: Sequence[Funnel] = ()
    approvals: Sequence[ApprovalRow] = ()
    written: Sequence[Written] = ()
    events: Mapping[tuple[int, str, str], int] = field(default_factory=dict[tuple[int, str, str], int])
    """(organization, type, token) -> how many such events the log has, of those that clients sent."""


@dataclass(frozen=True)
class Evidence:
    """All of it. `patience` is how many seconds a row may be due without being taken."""

    promises: Promises
    arrivals: Sequence[Arrival]
    snapshot: Snapshot
    patience: float = 90.0

    @cached_property
    def rows(self) -> dict[int, EnrollmentRow]:
        return {row.id: row for row in self.snapshot.enrollments}

    @cached_property
    def tokens(self) -> dict[str, list[EnrollmentRow]]:
        """The runs of each contact."""
        found: dict[str, list[EnrollmentRow]] = {}
        for row in self.snapshot.enrollments:
            found.setdefault(row.token, []).append(row)
        return found

    @cached_property
    def timelines(self) -> dict[int, list[Entry]]:
        found: dict[int, list[Entry]] = {}
        for entry in self.snapshot.entries:
            found.setdefault(entry.enrollment_id, []).append(entry)
        return found

    def histories(self) -> Iterator[tuple[int, list[Change]]]:
        """(enrollment, its changes in order)."""
        ordered = sorted(self.snapshot.changes, key=lambda change: change.enrollment_id)
        for enrollment_id, changes in groupby(ordered, key=lambda change: change.enrollment_id):
            yield enrollment_id, list(changes)

    def of(self, effect: Effect) -> dict[tuple[str, str], list[Arrival]]:
        """Arrivals of one class by (token, step)."""
        found: dict[tuple[str, str], list[Arrival]] = {}
        for arrival in self.arrivals:
            if arrival.effect is effect:
                found.setdefault(arrival.visited, []).append(arrival)
        return found

    def plan(self, row: EnrollmentRow) -> Plan | None:
        return self.promises.plans.get((row.workflow_id, row.version))
