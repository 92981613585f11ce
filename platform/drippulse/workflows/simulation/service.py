"""From a request to a job: which definitions, whom for, under which rules. It only reads."""

from datetime import datetime
from typing import Any

import orjson

from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError, not_found
from drippulse.organizations.policy import Principal
from drippulse.sending.schemas import SendingPolicy, parsed
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.secrets import redact, reveal
from drippulse.workflows.service import check_steps, require_workflow, stored_steps
from drippulse.workflows.settings import compile_settings, settings_json
from drippulse.workflows.simulation import queries, sources
from drippulse.workflows.simulation.errors import NoDraftError
from drippulse.workflows.simulation.job import Job, JobDefinition, endings_of, graph_of
from drippulse.workflows.simulation.policy import check_models, check_span
from drippulse.workflows.simulation.schemas import Definition, SimulationRequest

LIVE, DRAFT, STEPS = "live", "draft", "steps"
NO_DRAFT = "This workflow has no draft; save one first, or simulate `live`."


async def prepare(
    session: Session, principal: Principal, vault: Vault, workflow_id: int, request: SimulationRequest, now: datetime
) -> Job:
    """The job that `Simulator.run` takes. Steps go into it with their secrets masked.

    Raises:
        NotFoundError: the workflow, or the version of it.
        NoDraftError, InvalidStepGraphError, InvalidSettingsError: a definition that cannot be simulated.
        TooManyContactsError, NoContactsError, ValidationError: whom, when or what else was asked.
    """
    organization = principal.organization_id
    row = await require_workflow(session, principal, workflow_id)
    start_at, until = request.span(now)
    check_span(start_at, until)
    definitions = [await _definition(session, principal, vault, row, request)]
    if request.compare_with is not None:
        definitions.append(await _second(session, principal, vault, row, request.compare_with))
    listened = {event for definition in definitions for event, _ in endings_of(definition)}
    check_models(request.models, [graph_of(definition) for definition in definitions], listened)
    if request.source is None:
        contacts, addresses = sources.given(request)
    else:
        contacts, addresses = await sources.stored(session, organization, workflow_id, request.source, request.timezone)
    own = await queries.organization(session, organization)
    return Job(
        organization_id=organization,
        workflow_id=workflow_id,
        organization_timezone=own["timezone"],
        definitions=definitions,
        contacts=contacts,
        suppressed=await sources.suppressed(session, organization, addresses),
        start_at=start_at,
        until=until,
        per_day=request.arrivals.per_day,
        seed=request.seed,
        models=request.models,
        sending=_sending(request, own),
        warn_sends_per_day=request.warn_sends_per_day,
    )


def _sending(request: SimulationRequest, organization: Record) -> SendingPolicy:
    if request.sending is None:
        return parsed(organization["sending"])
    return SendingPolicy.model_validate(request.sending.model_dump(exclude_unset=True))


async def _second(
    session: Session, principal: Principal, vault: Vault, row: Record, wanted: Definition
) -> JobDefinition:
    """The other definition of a comparison; what is wrong with it is found below `compare_with`."""
    try:
        return await _definition(session, principal, vault, row, wanted)
    except DomainError as error:
        error.errors = {f"compare_with.{place}": sentences for place, sentences in error.errors.items()}
        error.message = f"compare_with: {error.message}"
        raise


async def _definition(
    session: Session, principal: Principal, vault: Vault, row: Record, wanted: Definition
) -> JobDefinition:
    organization, version = principal.organization_id, wanted.version
    if wanted.steps is not None:
        steps = await check_steps(session, organization, wanted.steps, stored_steps(row, vault, organization))
        return _made(STEPS, None, steps, settings_json(compile_settings(wanted.settings)))
    if version == DRAFT:
        return await _draft(session, organization, vault, row)
    if version is None or version == LIVE:
        return _made(LIVE, row["version"], orjson.loads(row["steps"]), orjson.loads(row["settings"]))
    stored = await queries.version(session, organization, row["id"], version)
    if stored is None:
        raise not_found("workflow version")
    return _made(str(version), version, orjson.loads(stored["steps"]), orjson.loads(stored["settings"]))


async def _draft(session: Session, organization_id: int, vault: Vault, row: Record) -> JobDefinition:
    """A draft may be incomplete, so it is judged as if it were sent."""
    text = await queries.draft(session, organization_id, row["id"])
    if text is None:
        raise NoDraftError(NO_DRAFT, errors={"version": [NO_DRAFT]})
    draft: dict[str, Any] = orjson.loads(text)
    steps = await check_steps(session, organization_id, reveal(draft["steps"], vault, organization_id), [])
    return _made(DRAFT, None, steps, settings_json(compile_settings(draft["settings"])))


def _made(name: str, version: int | None, steps: list[dict[str, Any]], settings: dict[str, Any]) -> JobDefinition:
    """Secrets stay here: a simulation calls nobody."""
    if not steps:
        raise InvalidStepGraphError(
            "There are no steps to simulate; add one.", errors={"steps": ["Must not be empty."]}
        )
    return JobDefinition(name=name, version=version, steps=redact(steps), settings=settings)
