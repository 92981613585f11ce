"""`/crm/opportunity_pipelines`, and putting the opportunities of a stage in order."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from drippulse.crm.pipelines import reordering, service
from drippulse.crm.pipelines.listing import LISTING
from drippulse.crm.pipelines.presentation import present_reordered
from drippulse.crm.pipelines.schemas import (
    MAX_PER_STAGE,
    READ_ONLY,
    Board,
    DefaultPipeline,
    PipelineCreate,
    PipelineList,
    PipelineOut,
    PipelineUpdate,
    Reorder,
    Reordered,
)
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Pipelines"
WRAPPER = "pipeline"
PATH = "/crm/opportunity_pipelines"
ONE = f"{PATH}/{{pipeline_ref:str}}"
UNKNOWN = {404: ("pipeline_not_found",)}
EXAMPLE_ID = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"

PipelineRef: TypeAlias = Annotated[str, PathParameter(description="UUID or public id of a pipeline.")]
PerStage: TypeAlias = Annotated[
    int,
    QueryParameter(
        schema_extra={"minimum": 1, "maximum": MAX_PER_STAGE}, description="Opportunities of each stage, 1 to 200."
    ),
]


@list_route(
    PATH,
    operation_id="listOpportunityPipelines",
    tag=TAG,
    summary="List pipelines",
    answer=PipelineList,
    listing=LISTING,
)
async def list_pipelines(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """The organization's pipelines and the caller's own, each with its stages in order and what stands in them: the
    organization's default first, then the newest. `pipelines` and `opportunity_pipelines` are the same list."""
    async with request.transaction() as session:
        answer = await service.list_pipelines(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    PATH,
    operation_id="createOpportunityPipeline",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Create a pipeline of one's own",
    status=201,
    answer=PipelineOut,
    body=Body(PipelineCreate, WRAPPER, READ_ONLY, example={"name": "My deals"}),
    errors={409: ("too_many_pipelines",), 422: ("no_person",)},
)
async def create_pipeline(request: ApiRequest) -> Response[bytes]:
    """Copies the organization's default, stages and all. The caller owns it; with an API key the member who made the
    key does."""
    data = await request.read(PipelineCreate)
    async with request.transaction() as session:
        made = await service.create_pipeline(session, request.principal, data)
    return json_answer(made, status=201)


@route(
    "GET",
    ONE,
    operation_id="getOpportunityPipeline",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a pipeline",
    answer=PipelineOut,
    errors=UNKNOWN,
)
async def get_pipeline(request: ApiRequest, pipeline_ref: PipelineRef) -> Response[bytes]:
    """Any pipeline of the organization, also somebody else's."""
    async with request.transaction() as session:
        found = await service.get_pipeline(session, request.principal, pipeline_ref)
    return json_answer(found)


@route(
    "PATCH",
    ONE,
    operation_id="updateOpportunityPipeline",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Update a pipeline",
    answer=PipelineOut,
    body=Body(
        PipelineUpdate,
        WRAPPER,
        READ_ONLY,
        example={"name": "Enterprise", "stages": [{"id": EXAMPLE_ID, "name": "Demo"}, {"name": "Trial"}]},
    ),
    errors={404: ("pipeline_not_found", "pipeline_stage_not_found"), 409: ("stage_not_empty", "pipeline_busy")},
)
async def update_pipeline(request: ApiRequest, pipeline_ref: PipelineRef) -> Response[bytes]:
    """Its name and stages: an entry without an id adds a stage, one with an id changes it, `delete` deletes it, and
    `move_to` says where its opportunities go. Named stages take the order of the list in the places that they have, a
    new one comes behind the entry before it; the others stay. A new `stage_type` changes the status of the
    opportunities in the stage. Only the owner changes a pipeline, and Admins; the organization's only Admins."""
    data = await request.read(PipelineUpdate)
    async with request.transaction() as session:
        changed = await service.update_pipeline(session, request.principal, pipeline_ref, data)
    return json_answer(changed)


@route(
    "DELETE",
    ONE,
    operation_id="deleteOpportunityPipeline",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a pipeline",
    status=204,
    answer_text="Deleted.",
    errors=UNKNOWN | {409: ("pipeline_not_empty", "organization_pipeline", "pipeline_busy")},
)
async def delete_pipeline(request: ApiRequest, pipeline_ref: PipelineRef) -> Response[None]:
    """An empty one; the organization's default stays. Whoever had chosen it has the organization's default again."""
    async with request.transaction() as session:
        await service.delete_pipeline(session, request.principal, pipeline_ref)
    return no_content()


@route(
    "POST",
    f"{ONE}/set_default",
    operation_id="setDefaultOpportunityPipeline",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Choose one's default pipeline",
    answer=DefaultPipeline,
    errors=UNKNOWN | {422: ("no_person",)},
)
async def set_default(request: ApiRequest, pipeline_ref: PipelineRef) -> Response[bytes]:
    """New opportunities of this person go there unless they name a pipeline. Others are not concerned."""
    async with request.transaction() as session:
        chosen = await service.set_default(session, request.principal, pipeline_ref)
    return json_answer(chosen)


@route(
    "GET",
    f"{ONE}/board",
    operation_id="getPipelineBoard",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a pipeline as a board",
    answer=Board,
    errors=UNKNOWN | {422: ("validation_failed",)},
)
async def get_board(request: ApiRequest, pipeline_ref: PipelineRef, per_stage: PerStage = 50) -> Response[bytes]:
    """Every stage with its totals and its first opportunities. The others of a stage come from
    `GET /crm/opportunities?pipeline_stage_id=...&sort=stage_position`."""
    async with request.transaction() as session:
        found = await service.board(session, request.principal, pipeline_ref, per_stage)
    return json_answer(found)


@route(
    "POST",
    "/crm/opportunities/reorder",
    operation_id="reorderOpportunities",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Put the opportunities of a stage in order",
    answer=Reordered,
    body=Body(Reorder, "opportunity", example={"pipeline_stage_id": EXAMPLE_ID, "ordered_ids": ["opp_…", "opp_…"]}),
    errors={404: ("pipeline_stage_not_found", "opportunity_not_found")},
)
async def reorder_opportunities(request: ApiRequest) -> Response[bytes]:
    """The named opportunities come first in the stage, in this order, from whatever stage or pipeline they are in; its
    others follow in the order that they have. All of it happens or nothing; who drags at the same time comes after."""
    data = await request.read(Reorder)
    async with request.transaction() as session:
        done = await reordering.reorder(session, request.principal, data)
    return json_answer(present_reordered(*done))


ROUTES: Sequence[HTTPRouteHandler] = (
    list_pipelines,
    create_pipeline,
    get_pipeline,
    update_pipeline,
    delete_pipeline,
    set_default,
    get_board,
    reorder_opportunities,
)
