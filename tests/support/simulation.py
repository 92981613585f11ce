"""Simulations for tests: jobs out of steps and contacts, and a watcher that keeps everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from drippulse.sending.schemas import SendingPolicy
from drippulse.workflows.normalize import normalize_steps
from drippulse.workflows.simulation.caps import PolicyAdmission
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
from drippulse.workflows.simulation.state import Person, Simulation, World
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


def never() -> float:
    """A timer that stands still."""
    return 0.0


def simulated(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The answer for `job_of` of the same arguments."""
    return simulate(job_of(*args, **kwargs), never)


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


def recorded(job: Job) -> tuple[Recorder, Simulation]:
    """The first definition of a job, record by record."""
    recorder = Recorder()
    world = World(
        organization_id=job.organization_id,
        workflow_id=job.workflow_id,
        horizon=job.until,
        lots=Lots(job.seed, job.models),
        admission=PolicyAdmission(job.sending, job.organization_id, job.organization_timezone),
        suppressed=frozenset(job.suppressed),
        endings=endings_of(job.definitions[0]),
        organization_timezone=job.organization_timezone,
    )
    run = Simulation(graph_of(job.definitions[0]), world, recorder, job.start_at)
    run.run(contacts_of(job))
    return recorder, run
