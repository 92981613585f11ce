"""Simulations for tests: jobs out of steps and contacts, and a watcher that keeps everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from drippulse.sending.quiet_hours import SPREAD, loud_again
from drippulse.sending.schemas import SendingPolicy
from drippulse.sending.state import WINDOWS, Bucket, Room, Wanted, admit, limits, share_of, wait_reason
from drippulse.workflows.normalize import normalize_steps
from drippulse.workflows.simulation.caps import Mail, PolicyAdmission, Refusal
from drippulse.workflows.simulation.job import (
    Job,
    JobContacts,
    JobDefinition,
    contacts_of,
    endings_of,
    graph_of,
    simulate,
)
from drippulse.workflows.simulation.lots import Lots
from drippulse.workflows.simulation.schemas import Models
from drippulse.workflows.simulation.state import Simulation
from drippulse.workflows.simulation.values import Person, World
from drippulse.workflows.walk import StepRecord, StepStatus, Walk

MONDAY = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


def people(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@example.com", "score": number, **fields} for number in range(count)]


def definition(steps: Sequence[Mapping[str, Any]], settings: dict[str, Any] | None = None) -> JobDefinition:
    canonical: list[Any] = list(normalize_steps(list(steps)))
    return JobDefinition(name="steps", version=None, steps=canonical, settings=settings or {})


def job_of(
    steps: Sequence[Mapping[str, Any]],
    contacts: Sequence[Mapping[str, Any]],
    *,
    other: Sequence[Mapping[str, Any]] | None = None,
    models: dict[str, Any] | None = None,
    sending: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    timezone: str = "UTC",
    **changes: Any,
) -> Job:
    """A year from a Monday at nine, unless changed."""
    given: dict[str, Any] = {
        "organization_id": 1,
        "workflow_id": 3,
        "organization_timezone": "UTC",
        "definitions": [definition(steps, settings), *([definition(other)] if other is not None else [])],
        "contacts": JobContacts(
            enrollment_ids=list(range(1, len(contacts) + 1)),
            timezones=[contact.get("timezone", timezone) for contact in contacts],
            bags=[orjson.dumps(contact).decode() for contact in contacts],
        ),
        "suppressed": [],
        "start_at": MONDAY,
        "until": MONDAY + YEAR,
        "per_day": None,
        "seed": 0,
        "models": Models.model_validate(models or {}),
        "sending": SendingPolicy.model_validate(sending or {}),
        "warn_sends_per_day": None,
        **changes,
    }
    return Job(**given)


def nothing() -> None:
    """What an endless supply has used up."""


def simulated(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The answer for `job_of` of the same arguments."""
    return simulate(job_of(*args, **kwargs), nothing)


@dataclass
class Recorder:
    """Keeps all that it is told, by the contact's number."""

    visits: dict[int, list[tuple[str, str]]] = field(default_factory=dict[int, list[tuple[str, str]]])
    spans: dict[int, list[tuple[datetime, datetime]]] = field(
        default_factory=dict[int, list[tuple[datetime, datetime]]]
    )
    mails: list[tuple[int, datetime, timedelta]] = field(default_factory=list[tuple[int, datetime, timedelta]])
    ends: dict[int, Walk] = field(default_factory=dict[int, Walk])

    def entered(self, person: Person, index: int, at: datetime, *, first: bool) -> None: ...

    def record(self, person: Person, record: StepRecord, missing: dict[str, None]) -> None:
        if record.status is not StepStatus.WAITING:
            number = person.contact.number
            self.visits.setdefault(number, []).append((record.step_id, record.status.value))
            self.spans.setdefault(number, []).append((record.entered_at, record.finished_at or record.entered_at))

    def sent(self, person: Person, index: int, at: datetime, late: timedelta) -> None:
        self.mails.append((person.contact.number, at, late))

    def suppressed(self, index: int) -> None: ...

    def refused(self, reason: str, *, first: bool) -> None: ...

    def ended(self, person: Person, walk: Walk, at: datetime) -> None:
        self.ends[person.contact.number] = walk


@dataclass
class PlainAdmission:
    """The sending policy by the functions that the engine uses, mail by mail, every window kept for good."""

    job: Job
    rooms: dict[Bucket, Room] = field(default_factory=dict[Bucket, Room])

    def admit(self, mail: Mail, now: datetime) -> Refusal | None:
        policy, organization = self.job.sending, self.job.organization_id
        spread = share_of(organization, mail.enrollment_id, mail.visit)
        if policy.quiet_hours is not None:
            until = loud_again(policy.quiet_hours, now, mail.timezone, self.job.organization_timezone)
            if until > now:
                return Refusal(until + SPREAD * spread, "quiet_hours", ("quiet_hours",))
        found = limits(policy, organization, mail.recipient, mail.sender, now)
        key = (mail.enrollment_id, mail.visit)
        admitted = admit([Wanted(key, found, spread)], self.rooms)
        for bucket in admitted.reserved.get(key, ()):
            self.rooms.setdefault(bucket, Room()).sent += 1
        for bucket, times in admitted.full.items():
            self.rooms.setdefault(bucket, Room()).put_off += times
        if key not in admitted.put_off:
            return None
        lengths = {seconds: name for name, seconds in WINDOWS.items()}
        rules = tuple(f"{wait_reason(bucket.scope)}:{lengths[bucket.seconds]}" for bucket in admitted.full)
        return Refusal(*admitted.put_off[key], rules)


@dataclass
class Diary:
    """Writes down all that it is told, in order."""

    lines: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    def entered(self, person: Person, index: int, at: datetime, *, first: bool) -> None:
        self.lines.append(("entered", person.contact.number, index, at, first))

    def record(self, person: Person, record: StepRecord, missing: dict[str, None]) -> None:
        what = record.step_id, record.visit, record.status.value, record.attempt, record.entered_at, record.error
        self.lines.append(("record", person.contact.number, *what, record.output, sorted(missing)))

    def sent(self, person: Person, index: int, at: datetime, late: timedelta) -> None:
        self.lines.append(("sent", person.contact.number, index, person.mail, at, late))

    def suppressed(self, index: int) -> None:
        self.lines.append(("suppressed", index))

    def refused(self, reason: str, *, first: bool) -> None:
        self.lines.append(("refused", reason, first))

    def ended(self, person: Person, walk: Walk, at: datetime) -> None:
        self.lines.append(("ended", person.contact.number, walk.stop.value, walk.reason, walk.code, walk.message, at))


def written_down(job: Job, *, plainly: bool) -> list[tuple[Any, ...]]:
    """What happens in the first definition of a job, and where everybody stands at the end.

    Args:
        plainly: every mail is composed by its step whenever it is asked about, and caps are the engine's own.
    """
    diary = Diary()
    world = world_of(job)
    if plainly:
        world = replace(world, admission=PlainAdmission(job), quick=None)
    run = Simulation(graph_of(job.definitions[0]), world, diary, job.start_at)
    run.run(contacts_of(job))
    return [*diary.lines, *(("stands", number, person.state) for number, person in run.people.items())]


def recorded(job: Job) -> tuple[Recorder, Simulation]:
    """The first definition of a job, record by record."""
    recorder = Recorder()
    run = Simulation(graph_of(job.definitions[0]), world_of(job), recorder, job.start_at)
    run.run(contacts_of(job))
    return recorder, run


def world_of(job: Job) -> World:
    """Of the first definition."""
    return World(
        organization_id=job.organization_id,
        workflow_id=job.workflow_id,
        horizon=job.until,
        lots=Lots(job.seed, job.models),
        admission=PolicyAdmission(job.sending, job.organization_id, job.organization_timezone),
        suppressed=frozenset(job.suppressed),
        endings=endings_of(job.definitions[0]),
        organization_timezone=job.organization_timezone,
    )
