"""Pipelines: listing them with their totals, copying, changing and deleting them, and a person's default."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.pipelines import editing, listing_queries, queries
from drippulse.crm.pipelines import editing_queries as edits
from drippulse.crm.pipelines.errors import OrganizationPipelineError, PipelineNotEmptyError, TooManyPipelinesError
from drippulse.crm.pipelines.placing import default_pipeline_id
from drippulse.crm.pipelines.policy import person_of, require_owner, require_person
from drippulse.crm.pipelines.presentation import present_board, present_pipeline, present_stages
from drippulse.crm.pipelines.schemas import MAX_PER_STAGE, PipelineCreate, PipelineUpdate
from drippulse.crm.tables import OpportunityStatus
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.pagination import ListRequest, listed
from drippulse.organizations.policy import Principal

MAX_OWN = 100


async def list_pipelines(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """The organization's and the caller's own, with stages and totals; the organization's default is made when there
    is none yet."""
    organization_id, person = principal.organization_id, person_of(principal)
    chosen = await default_pipeline_id(session, principal)
    page = wanted.page
    after = page.after.key if page.after is not None and isinstance(page.after.key, UUID) else None
    rows = await listing_queries.visible(
        session, organization_id, person, limit=page.fetch, offset=page.offset, after=after
    )
    presented = dict(zip((row["id"] for row in rows), await _presented(session, organization_id, rows), strict=True))
    total = await listing_queries.count_visible(session, organization_id, person)
    answer = listed("pipelines", rows, page, lambda row: presented[row["id"]], total)
    return {**answer, "opportunity_pipelines": answer["pipelines"], "default_pipeline_id": str(chosen)}


async def get_pipeline(session: Session, principal: Principal, ref: str) -> dict[str, Any]:
    """By UUID or public id. Raises NotFoundError."""
    row = await _one(session, principal, ref)
    [shown] = await _presented(session, principal.organization_id, [row])
    return shown


async def board(session: Session, principal: Principal, ref: str, per_stage: int) -> dict[str, Any]:
    """The pipeline, and its stages with the first cards of each. Raises NotFoundError, ValidationError."""
    if not 1 <= per_stage <= MAX_PER_STAGE:
        sentence = f"per_stage must be a whole number from 1 to {MAX_PER_STAGE}."
        raise ValidationError(sentence, errors={"per_stage": [sentence]})
    pipeline = await get_pipeline(session, principal, ref)
    ids = [UUID(stage["id"]) for stage in pipeline["stages"]]
    cards = await listing_queries.first_cards(session, principal.organization_id, ids, per_stage)
    return {"pipeline": pipeline, "stages": present_board(pipeline["stages"], cards)}


async def create_pipeline(session: Session, principal: Principal, data: PipelineCreate) -> dict[str, Any]:
    """A copy of the organization's default, owned by the caller. Raises NoPersonError, TooManyPipelinesError."""
    organization_id, person = principal.organization_id, require_person(principal)
    if await listing_queries.count_own(session, organization_id, person) >= MAX_OWN:
        raise TooManyPipelinesError(MAX_OWN)
    await default_pipeline_id(session, principal)
    source = await queries.default_pipeline(session, organization_id, None)
    if source is None:
        raise not_found("pipeline")
    stages = [
        (stage["name"], OpportunityStatus(stage["stage_type"]), stage["probability"])
        for stage in await queries.stages_of(session, organization_id, source)
    ]
    made = await queries.create_pipeline(session, organization_id, data.name, stages, user_id=person)
    return await get_pipeline(session, principal, str(made))


async def update_pipeline(session: Session, principal: Principal, ref: str, data: PipelineUpdate) -> dict[str, Any]:
    """Its name and stages. Raises NotFoundError, NotYourPipelineError, and what `editing.change_stages` raises."""
    pipeline_id = require_owner(principal, await _locked(session, principal, ref))
    if data.name is not None:
        await edits.rename(session, principal.organization_id, pipeline_id, data.name)
    if data.stages:
        await editing.change_stages(session, principal, pipeline_id, data.stages)
    return await get_pipeline(session, principal, str(pipeline_id))


async def delete_pipeline(session: Session, principal: Principal, ref: str) -> None:
    """An empty one that is not the organization's default.

    Raises:
        NotFoundError, NotYourPipelineError, OrganizationPipelineError, PipelineNotEmptyError, PipelineBusyError
    """
    found = await _locked(session, principal, ref)
    pipeline_id = require_owner(principal, found)
    if found["is_default"]:
        raise OrganizationPipelineError
    organization_id = principal.organization_id
    stages = [stage["id"] for stage in await queries.stages_of(session, organization_id, pipeline_id)]
    standing = await editing.hold(session, organization_id, stages, stages)
    if standing:
        raise PipelineNotEmptyError(len(standing))
    await edits.remove_pipeline(session, organization_id, pipeline_id)


async def set_default(session: Session, principal: Principal, ref: str) -> dict[str, Any]:
    """The pipeline that this person's new opportunities go to. Raises NotFoundError, NoPersonError."""
    row = await _one(session, principal, ref)
    person = require_person(principal)
    await edits.prefer(session, principal.organization_id, person, row["id"])
    [shown] = await _presented(session, principal.organization_id, [row])
    return {"default_pipeline_id": str(row["id"]), "pipeline": shown}


async def _presented(session: Session, organization_id: int, rows: Sequence[Record]) -> list[dict[str, Any]]:
    stages = await listing_queries.stages(session, organization_id, [row["id"] for row in rows])
    totals = await listing_queries.totals(session, organization_id, [stage["id"] for stage in stages])
    shown = present_stages(stages, totals)
    return [present_pipeline(row, shown[row["id"]]) for row in rows]


async def _one(session: Session, principal: Principal, ref: str) -> Record:
    row = await listing_queries.one(session, principal.organization_id, ref)
    if row is None:
        raise not_found("pipeline")
    return row


async def _locked(session: Session, principal: Principal, ref: str) -> Record:
    row = await edits.lock_pipeline(session, principal.organization_id, ref)
    if row is None:
        raise not_found("pipeline")
    return row
