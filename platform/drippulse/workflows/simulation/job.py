"""One simulation as a value that can be handed to another process, and what comes of it. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, field_validator

from drippulse.kit.clock import isoformat
from drippulse.sending.schemas import SendingPolicy
from drippulse.workflows.graph import Graph, compile_graph
from drippulse.workflows.settings import stored_settings
from drippulse.workflows.simulation.caps import PolicyAdmission
from drippulse.workflows.simulation.errors import SimulationTooLargeError, Spent
from drippulse.workflows.simulation.lots import Lots
from drippulse.workflows.simulation.report import compare, result_of
from drippulse.workflows.simulation.schemas import Models
from drippulse.workflows.simulation.state import Simulation
from drippulse.workflows.simulation.tally import Tally
from drippulse.workflows.simulation.values import Contact, World

A_DAY = timedelta(days=1)


class JobDefinition(BaseModel):
    """Canonical steps, secrets masked. `name` and `version` are what the answer calls it."""

    name: str
    version: int | None
    steps: list[dict[str, Any]]
    settings: dict[str, Any]


class JobContacts(BaseModel):
    """Columns of the same length; `bags` are JSON texts, read when their contact enters."""

    enrollment_ids: list[int]
    timezones: list[str]
    bags: list[str]
    invalid_rows: int = 0


class Job(BaseModel):
    organization_id: int
    workflow_id: int
    organization_timezone: str
    definitions: list[JobDefinition]
    contacts: JobContacts
    suppressed: list[str]
    start_at: AwareDatetime
    until: AwareDatetime
    per_day: int | None
    seed: int
    models: Models
    sending: SendingPolicy
    warn_sends_per_day: int | None

    @field_validator("start_at", "until")
    @classmethod
    def _utc(cls, moment: datetime) -> datetime:
        """Days are counted in UTC whatever zone was given; and Python's own is compared in half the time."""
        return moment.astimezone(UTC)


def simulate(job: Job, spent: Callable[[], Spent | None]) -> dict[str, Any]:
    """`SimulationOut`, all but `took_ms`: the first definition, compared with the second when there is one.

    Args:
        spent: what has been used up by now, if anything has.

    Raises:
        SimulationTooLargeError: something was.
    """
    results, runs, tallies = list[dict[str, Any]](), list[Simulation](), list[Tally]()
    for definition in job.definitions:
        run, tally, result = _one(job, definition, spent)
        results.append({"definition": definition.name, "version": definition.version, **result})
        runs.append(run)
        tallies.append(tally)
    comparison = None
    if len(results) > 1:
        comparison = compare(results[0], results[1], (runs[0], runs[1]), (tallies[0], tallies[1]))
    return {
        "workflow_id": job.workflow_id,
        **results[0],
        "seed": job.seed,
        "start_at": isoformat(job.start_at),
        "until": isoformat(job.until),
        "virtual_seconds": (job.until - job.start_at).total_seconds(),
        "skipped_invalid_rows": job.contacts.invalid_rows,
        "comparison": comparison,
    }


def graph_of(definition: JobDefinition) -> Graph:
    """The compiled steps; they were judged before they came here."""
    graph = compile_graph(definition.steps, check=False)
    return replace(graph, exits=stored_settings(definition.settings).exits)


def endings_of(definition: JobDefinition) -> tuple[tuple[str, str], ...]:
    """(event type, exit reason) of the goals and exit criteria that listen to events."""
    settings = stored_settings(definition.settings)
    listening = (*settings.goals, *settings.exit_criteria)
    return tuple((one.event_type, one.exit_reason) for one in listening if one.event_type is not None)


def contacts_of(job: Job) -> list[Contact]:
    given = job.contacts
    return [
        Contact(number, enrollment_id, at, timezone, partial(orjson.loads, bag))
        for number, (enrollment_id, timezone, bag, at) in enumerate(
            zip(given.enrollment_ids, given.timezones, given.bags, _arrivals(job), strict=False)
        )
    ]


def _arrivals(job: Job) -> Iterator[datetime]:
    number = 0
    while True:
        yield job.start_at if job.per_day is None else job.start_at + A_DAY * (number / job.per_day)
        number += 1


def _one(
    job: Job, definition: JobDefinition, spent: Callable[[], Spent | None]
) -> tuple[Simulation, Tally, dict[str, Any]]:
    graph = graph_of(definition)
    admission = PolicyAdmission(job.sending, job.organization_id, job.organization_timezone)
    world = World(
        organization_id=job.organization_id,
        workflow_id=job.workflow_id,
        horizon=job.until,
        lots=Lots(job.seed, job.models),
        admission=admission,
        suppressed=frozenset(job.suppressed),
        endings=endings_of(definition),
        organization_timezone=job.organization_timezone,
        spent=spent,
    )
    tally = Tally.of(len(graph))
    run = Simulation(graph, world, tally, job.start_at)
    contacts = contacts_of(job)
    run.run(contacts)
    if what := spent():
        raise SimulationTooLargeError(what)
    result = result_of(run, tally, contacts=len(contacts), rules=admission.rules, most_a_day=job.warn_sends_per_day)
    return run, tally, result
