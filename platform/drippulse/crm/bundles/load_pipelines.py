"""The pipelines of a bundle: found by public id, the default one by being it, else made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.bundles.load_schemas import PipelineIn, StageIn
from drippulse.crm.bundles.places import Places
from drippulse.crm.bundles.results import Report, RowStatus
from drippulse.crm.pipelines import editing_queries as edits
from drippulse.crm.pipelines import queries
from drippulse.crm.pipelines.policy import may_change, person_of
from drippulse.crm.pipelines.queries import PIPELINE
from drippulse.crm.pipelines.stage_plan import StageRow
from drippulse.crm.pipelines.state import Stage
from drippulse.crm.tables import OpportunityStatus
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import DomainError
from drippulse.kit.public_ids import encode_id
from drippulse.kit.uuid7 import uuid7
from drippulse.kit.validation import parse
from drippulse.organizations.policy import Principal

KIND = "pipeline"
MINE = """SELECT id, public_id, name, user_id, is_default, deleted_at FROM pipeline WHERE organization_id = $1"""
STAGES = """SELECT id, public_id, pipeline_id, name, stage_type, probability, position, deleted_at FROM pipeline_stage
  WHERE organization_id = $1 ORDER BY position, id"""
ENDS = """SELECT pipeline_stage_id AS id, max(stage_position) AS position FROM opportunity
  WHERE organization_id = $1 AND deleted_at IS NULL GROUP BY pipeline_stage_id"""
MAKE = """INSERT INTO pipeline (id, organization_id, public_id, name, user_id, is_default)
  VALUES ($2, $1, $3, $4, $5, $6)"""
Owner = Callable[[int], int | None]


async def places_of(session: Session, organization_id: int) -> Places:
    """What there is."""
    places = Places()
    for row in await session.fetch(MINE, organization_id):
        if row["deleted_at"] is None:
            places.pipelines |= {row["public_id"]: row["id"], str(row["id"]): row["id"]}
            places.by_pipeline[row["id"]] = []
    for row in await session.fetch(STAGES, organization_id):
        if row["deleted_at"] is None and row["pipeline_id"] in places.by_pipeline:
            places.stages |= {row["public_id"]: row["id"], str(row["id"]): row["id"]}
            places.by_pipeline[row["pipeline_id"]].append(_stage(row))
    places.ends = {row["id"]: row["position"] for row in await session.fetch(ENDS, organization_id)}
    return places


async def load_pipelines(
    session: Session, principal: Principal, rows: Sequence[Any], owner: Owner, report: Report
) -> dict[str, Mapping[str, UUID]]:
    """Report on each; public ids of the bundle -> ids here, under `pipelines` and `stages`."""
    found: dict[str, dict[str, UUID]] = {"pipelines": {}, "stages": {}}
    for index, row in enumerate(rows):
        try:
            given = parse(PipelineIn, _own(row))
        except DomainError as error:
            report.add(index, KIND, RowStatus.INVALID, reason=error.message)
            continue
        here = await _existing(session, principal.organization_id, given)
        if here is None:
            here = await _make(session, principal, given, owner)
            report.add(index, KIND, RowStatus.CREATED, here["public_id"])
        else:
            await _complete(session, principal, here, given, report, index)
        found["pipelines"][given.public_id or ""] = here["id"]
        stages = await queries.stages_of(session, principal.organization_id, here["id"])
        found["stages"] |= {stage.public_id: _match(stages, stage)["id"] for stage in given.stages if stage.public_id}
    return dict(found)


def _own(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        return {"name": None}
    return {name: value for name, value in row.items() if name in PipelineIn.model_fields}  # pyright: ignore[reportUnknownVariableType] - JSON from outside


async def _existing(session: Session, organization_id: int, given: PipelineIn) -> Record | None:
    rows = [row for row in await session.fetch(MINE, organization_id) if row["deleted_at"] is None]
    by_id = next((row for row in rows if row["public_id"] == given.public_id), None)
    return by_id or next((row for row in rows if given.is_default and row["is_default"]), None)


async def _make(session: Session, principal: Principal, given: PipelineIn, owner: Owner) -> Record:
    organization_id, pipeline_id = principal.organization_id, uuid7()
    taken = {row["public_id"] for row in await session.fetch(MINE, organization_id)}
    public_id = given.public_id if given.public_id not in {None, *taken} else encode_id(PIPELINE, pipeline_id.int)
    user_id = None
    if not given.is_default and given.owner_id is not None:
        user_id = owner(given.owner_id) or person_of(principal)
    await session.execute(MAKE, organization_id, pipeline_id, public_id, given.name, user_id, given.is_default)
    await _add(session, organization_id, pipeline_id, given.stages, 0)
    [row] = [row for row in await session.fetch(MINE, organization_id) if row["id"] == pipeline_id]
    return row


async def _complete(
    session: Session, principal: Principal, here: Record, given: PipelineIn, report: Report, index: int
) -> None:
    """Stages that it has not are added, if the caller may; nothing else of it changes."""
    stages = await queries.stages_of(session, principal.organization_id, here["id"])
    missing = [stage for stage in given.stages if _same(stages, stage) is None]
    if missing and may_change(principal, here):
        await edits.lock_pipeline(session, principal.organization_id, str(here["id"]))
        await _add(session, principal.organization_id, here["id"], missing, len(stages))
        names = ", ".join(stage.name for stage in missing)
        report.add(index, KIND, RowStatus.UPDATED, here["public_id"], f"Stages were added: {names}.")
        return
    wanted = [(stage.name, stage.stage_type.value, stage.probability) for stage in given.stages]
    if given.name == here["name"] and wanted == [(s["name"], s["stage_type"], s["probability"]) for s in stages]:
        report.add(index, KIND, RowStatus.UNCHANGED, here["public_id"])
    else:
        report.add(index, KIND, RowStatus.SKIPPED, here["public_id"], "It exists already and stays as it is.")


async def _add(session: Session, organization_id: int, pipeline_id: UUID, stages: Sequence[StageIn], last: int) -> None:
    taken = {row["public_id"] for row in await session.fetch(STAGES, organization_id)}
    rows = [
        StageRow(
            None,
            None if stage.public_id in taken else stage.public_id,
            stage.name,
            OpportunityStatus(stage.stage_type),
            stage.probability,
            last + number,
        )
        for number, stage in enumerate(stages, start=1)
    ]
    await edits.add_stages(session, organization_id, pipeline_id, rows)


def _same(stages: Sequence[Record], wanted: StageIn) -> Record | None:
    by_id = next((stage for stage in stages if stage["public_id"] == wanted.public_id), None)
    return by_id or next((stage for stage in stages if stage["name"].casefold() == wanted.name.casefold()), None)


def _match(stages: Sequence[Record], wanted: StageIn) -> Record:
    """The same one, else the first of its type."""
    found = _same(stages, wanted)
    return found or next((stage for stage in stages if stage["stage_type"] == wanted.stage_type), stages[0])


def _stage(row: Record) -> Stage:
    return Stage(row["id"], row["pipeline_id"], row["stage_type"], row["position"])
