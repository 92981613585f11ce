"""Pausing and resuming steps, workflows and the organization."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.enrollments.control_schemas import Nothing, OrganizationHoldsOut, WorkflowHoldsOut
from drippulse.enrollments.holding import ResumePolicy
from drippulse.organizations import pausing as organization_pausing
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.ids import WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, route

TAG = "Control"
WORKFLOW = "/workflows/{workflow_id:int}"
STEP = WORKFLOW + "/steps/{step_id:str}"
UNKNOWN = {404: ("workflow_not_found",)}
UNKNOWN_STEP = {404: ("workflow_not_found", "step_not_found"), 422: ("validation_failed",)}
NOT_ACTIVE = {409: ("workflow_not_active",), 422: ("validation_failed",)}
RESUME = Body(ResumePolicy, required=False, example={"clock": "run", "late": "skip", "late_hours": 24})

StepId = Annotated[str, PathParameter(description="Id of a step of any version of that workflow.")]


@route(
    "GET",
    WORKFLOW + "/holds",
    operation_id="getWorkflowHolds",
    permission=Permission.READ,
    tag=TAG,
    summary="Show what is paused about a workflow",
    answer=WorkflowHoldsOut,
    errors=UNKNOWN,
)
async def get_workflow_holds(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Paused steps, and how many runs are held by what."""
    async with request.transaction() as session:
        found = await pausing.show_holds(session, request.principal, workflow_id)
    return json_answer(found)


@route(
    "POST",
    WORKFLOW + "/pause",
    operation_id="pauseWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Pause a workflow",
    answer=WorkflowHoldsOut,
    body=Body(Nothing, required=False),
    errors=UNKNOWN | NOT_ACTIVE,
)
async def pause_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Holds every run; the same as setting the status to paused."""
    await request.read(Nothing)
    async with request.transaction() as session:
        done = await pausing.pause_workflow(session, request.principal, request.services.vault, workflow_id)
    return json_answer(done)


@route(
    "POST",
    WORKFLOW + "/resume",
    operation_id="resumeWorkflow",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Resume a workflow",
    answer=WorkflowHoldsOut,
    body=RESUME,
    errors=UNKNOWN | NOT_ACTIVE,
)
async def resume_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Lets the runs go on by the policy that is sent; its status becomes active."""
    policy = await request.read(ResumePolicy)
    services = request.services
    async with request.transaction() as session:
        done = await pausing.resume_workflow(session, request.principal, services.vault, workflow_id, policy)
        session.after_commit(services.waker.wake)
    return json_answer(done)


@route(
    "POST",
    STEP + "/pause",
    operation_id="pauseStep",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Pause a step",
    answer=WorkflowHoldsOut,
    body=Body(Nothing, required=False),
    errors=UNKNOWN_STEP,
)
async def pause_step(request: ApiRequest, workflow_id: WorkflowId, step_id: StepId) -> Response[bytes]:
    """Holds those who stand on the step and whoever comes to it; all others go on."""
    await request.read(Nothing)
    async with request.transaction() as session:
        done = await pausing.pause_step(session, request.principal, workflow_id, step_id)
    return json_answer(done)


@route(
    "POST",
    STEP + "/resume",
    operation_id="resumeStep",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Resume a step",
    answer=WorkflowHoldsOut,
    body=RESUME,
    errors=UNKNOWN_STEP,
)
async def resume_step(request: ApiRequest, workflow_id: WorkflowId, step_id: StepId) -> Response[bytes]:
    """Lets those on the step go on by the policy that is sent."""
    policy = await request.read(ResumePolicy)
    async with request.transaction() as session:
        done = await pausing.resume_step(session, request.principal, workflow_id, step_id, policy)
        session.after_commit(request.services.waker.wake)
    return json_answer(done)


@route(
    "GET",
    "/organization/holds",
    operation_id="getOrganizationHolds",
    permission=Permission.READ,
    tag=TAG,
    summary="Show whether the organization is paused",
    answer=OrganizationHoldsOut,
)
async def get_organization_holds(request: ApiRequest) -> Response[bytes]:
    """Whether everything is paused, and how many runs are held by what."""
    async with request.transaction() as session:
        found = await organization_pausing.show_holds(session, request.principal)
    return json_answer(found)


@route(
    "POST",
    "/organization/pause",
    operation_id="pauseOrganization",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Pause the organization",
    answer=OrganizationHoldsOut,
    body=Body(Nothing, required=False),
    errors={422: ("validation_failed",)},
)
async def pause_organization(request: ApiRequest) -> Response[bytes]:
    """Holds every run of every workflow, also those that begin from now on."""
    await request.read(Nothing)
    async with request.transaction() as session:
        done = await organization_pausing.pause_organization(session, request.principal)
    return json_answer(done)


@route(
    "POST",
    "/organization/resume",
    operation_id="resumeOrganization",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Resume the organization",
    answer=OrganizationHoldsOut,
    body=RESUME,
    errors={422: ("validation_failed",)},
)
async def resume_organization(request: ApiRequest) -> Response[bytes]:
    """Lets everything go on by the policy that is sent; what is paused by itself stays so."""
    policy = await request.read(ResumePolicy)
    async with request.transaction() as session:
        done = await organization_pausing.resume_organization(session, request.principal, policy)
        session.after_commit(request.services.waker.wake)
    return json_answer(done)


ROUTES: Sequence[HTTPRouteHandler] = (
    get_workflow_holds,
    pause_workflow,
    resume_workflow,
    pause_step,
    resume_step,
    get_organization_holds,
    pause_organization,
    resume_organization,
)
