"""`/workflows`: definitions, the step catalogue and dry runs."""

from collections.abc import Sequence

from litestar import Response
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.filters import choice, integer, text, timestamp
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse.workflows import queries, service
from drippulse.workflows.catalog import step_types
from drippulse.workflows.schemas import (
    READ_ONLY,
    StepTypeList,
    TestResult,
    TestRun,
    WorkflowCreate,
    WorkflowList,
    WorkflowOut,
    WorkflowUpdate,
)
from drippulse.workflows.tables import WorkflowStatus
from drippulse.workflows.trying import try_workflow
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.ids import WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, Keyed, Listing, list_route, route

TAG = "Workflows"
WRAPPER = "workflow"
EXAMPLE = {
    "name": "Inbound Lead Qualification",
    "description": "Draft from API",
    "status": "draft",
    "steps": [
        {"type": "trigger", "name": "Start", "config": {"frequency": "hourly"}},
        {"type": "log", "name": "Done", "config": {"message": "ok", "level": "info"}},
    ],
    "integrations": [],
}
INVALID = {400: ("invalid_step_graph",), 422: ("validation_failed",)}
UNKNOWN = {404: ("workflow_not_found",)}
LISTING = Listing(
    queries.SORTS,
    {
        "status": choice(WorkflowStatus, "Only workflows of this status."),
        "project_id": integer("Only workflows of this project."),
        "name": text("The name."),
        "version": integer("The newest version."),
        "created_at": timestamp("When it was created."),
        "updated_at": timestamp("When it was changed."),
    },
    search="Text in name or description.",
)


@list_route(
    "/workflows",
    operation_id="listWorkflows",
    tag=TAG,
    summary="List workflows",
    answer=WorkflowList,
    listing=LISTING,
)
async def list_workflows(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All workflows of the organization, newest first; with paging parameters a part of them."""
    async with request.transaction() as session:
        answer = await service.list_workflows(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/workflows",
    operation_id="createWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Create a workflow",
    status=201,
    answer=WorkflowOut,
    answer_text="The workflow with its steps in canonical shape.",
    body=Body(WorkflowCreate, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors=INVALID | {404: ("project_not_found",)},
)
async def create_workflow(request: ApiRequest) -> Response[bytes]:
    """Steps are checked as a whole: unknown types and fields, jumps into nothing, cycles without a wait and templates
    that do not parse are refused with the step and the field named."""
    data = await request.read(WorkflowCreate)
    async with request.transaction() as session:
        made = await service.create_workflow(session, request.principal, request.services.vault, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/workflows/step_types",
    operation_id="listStepTypes",
    permission=Permission.READ,
    tag=TAG,
    summary="Step type catalogue",
    answer=StepTypeList,
)
async def list_step_types(request: ApiRequest) -> Response[bytes]:
    """Every step type with its parameters, outputs, guarantee and what it does in a dry run."""
    return json_answer(step_types())


@route(
    "GET",
    "/workflows/{workflow_id:int}",
    operation_id="getWorkflow",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a workflow",
    answer=WorkflowOut,
    errors=UNKNOWN,
)
async def get_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """The workflow with the steps of its newest version. Secrets in steps are shown as ********."""
    async with request.transaction() as session:
        found = await service.get_workflow(session, request.principal, workflow_id)
    return json_answer(found)


@route(
    "PATCH",
    "/workflows/{workflow_id:int}",
    operation_id="updateWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Update a workflow",
    answer=WorkflowOut,
    body=Body(WorkflowUpdate, WRAPPER, READ_ONLY, example={"name": "Inbound Lead Qualification", "status": "active"}),
    errors=INVALID | UNKNOWN,
)
async def update_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Fields left out stay as they are. Changed steps make a new version; runs under way stay on the one they started
    on. A secret sent as ******** stays what it was."""
    data = await request.read(WorkflowUpdate)
    async with request.transaction() as session:
        changed = await service.update_workflow(session, request.principal, request.services.vault, workflow_id, data)
        session.after_commit(request.services.waker.wake)  # resuming lets go of what is due
    return json_answer(changed)


@route(
    "DELETE",
    "/workflows/{workflow_id:int}",
    operation_id="deleteWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a workflow",
    status=204,
    answer_text="Deleted; its runs under way are cancelled.",
    errors=UNKNOWN,
)
async def delete_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[None]:
    """Deletes the workflow and cancels what is enrolled in it."""
    async with request.transaction() as session:
        await service.delete_workflow(session, request.principal, workflow_id)
    return no_content()


@route(
    "POST",
    "/workflows/{workflow_id:int}/test",
    operation_id="testWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Dry run",
    answer=TestResult,
    body=Body(TestRun, required=False, example={"fixture_profile": "demo", "sample_data": {"first_name": "Ada"}}),
    errors=UNKNOWN | {422: ("validation_failed", "unknown_fixture_profile", "invalid_sample_data")},
    keyed=Keyed.APART,
)
async def test_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Runs the newest steps on fixture data. Waits do not wait, nothing is sent and nothing is written; effects are
    logged as `[test] Would ...`."""
    data = await request.read(TestRun)
    services = request.services
    result = await try_workflow(
        request.transaction, request.principal, services.vault, services.clock, workflow_id, data
    )
    return Response(result.encode(), media_type=MediaType.JSON)


ROUTES: Sequence[HTTPRouteHandler] = (
    list_workflows,
    create_workflow,
    list_step_types,
    get_workflow,
    update_workflow,
    delete_workflow,
    test_workflow,
)
