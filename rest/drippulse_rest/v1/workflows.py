"""`/v1/workflows`: workflows as nodes."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Filter, Kind, Operator
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.organizations.policy import Permission
from drippulse.workflows import queries
from drippulse.workflows import service as workflows
from drippulse.workflows.nodes import service
from drippulse.workflows.nodes.service import FIELDS, Sent
from drippulse.workflows.tables import WorkflowStatus
from drippulse_rest.kit.answers import json_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body
from drippulse_rest.v1 import presentation
from drippulse_rest.v1.ids import WORKFLOW, WorkflowRef, number_of
from drippulse_rest.v1.paging import Limit, Offset, items, window
from drippulse_rest.v1.routing import v1_route
from drippulse_rest.v1.schemas import READ_ONLY, V1Workflow, V1WorkflowFields, V1WorkflowList, V1WorkflowOut
from drippulse_rest.v1.schemas import V1WorkflowUpdate as Update

EXAMPLE = {
    "name": "Cold outreach",
    "status": "active",
    "trigger": "manual",
    "exitCriteria": [{"trigger": "reply"}],
    "nodes": [
        {"id": "n1", "type": "delay", "delayAmount": 1, "delayUnit": "days", "nextNodeId": "n2"},
        {"id": "n2", "type": "exit"},
    ],
}
UNKNOWN = {404: ("workflow_not_found",)}
INVALID = {400: ("invalid_workflow",), 422: ("invalid_settings", "validation_failed")}


@v1_route(
    "GET",
    "/workflows",
    operation_id="v1ListWorkflows",
    permission=Permission.READ,
    summary="List workflows",
    answer=V1WorkflowList,
    errors={400: ("invalid_page",), 422: ("validation_failed",)},
)
async def list_workflows(
    request: ApiRequest,
    limit: Limit = None,
    offset: Offset = None,
    status: Annotated[WorkflowStatus | None, QueryParameter(description="Only workflows of this status.")] = None,
) -> Response[bytes]:
    """Newest first. A workflow that was made of steps is shown as nodes as far as nodes can say it."""
    page, organization_id = window(limit, offset), request.principal.organization_id
    of_status = () if status is None else (Filter("status", Kind.TEXT, Operator.EQ, (status.value,)),)
    wanted = ListRequest(PageRequest(page.limit, page.offset), filters=of_status)
    async with request.transaction() as session:
        rows = (await queries.page(session, organization_id, wanted))[: page.limit]
        total = await queries.count(session, organization_id, wanted)
        definitions = await service.shown_definitions(session, request.principal, rows)
    found = [presentation.workflow(row, definition) for row, definition in zip(rows, definitions, strict=True)]
    return json_answer(items(found, total, page))


@v1_route(
    "POST",
    "/workflows",
    operation_id="v1CreateWorkflow",
    permission=Permission.WRITE,
    summary="Create a workflow",
    status=201,
    answer=V1WorkflowOut,
    body=Body(V1Workflow, None, READ_ONLY, example=EXAMPLE),
    errors=INVALID,
)
async def create_workflow(request: ApiRequest) -> Response[bytes]:
    """Nodes that are never reached, jumps into nothing and loops without a delay are refused with the node named."""
    data = await request.read(V1Workflow)
    async with request.transaction() as session:
        number = await service.create_nodes(session, request.principal, request.services.vault, _sent(data))
        made = await _shown(session, request, number)
    return json_answer(made, status=201)


@v1_route(
    "GET",
    "/workflows/{workflow_ref:str}",
    operation_id="v1GetWorkflow",
    permission=Permission.READ,
    summary="Show a workflow",
    answer=V1WorkflowOut,
    errors=UNKNOWN,
)
async def get_workflow(request: ApiRequest, workflow_ref: WorkflowRef) -> Response[bytes]:
    """The definition as it was sent. `webhookAuthHeader` is shown as ********."""
    async with request.transaction() as session:
        found = await _shown(session, request, number_of(WORKFLOW, workflow_ref))
    return json_answer(found)


@v1_route(
    "PATCH",
    "/workflows/{workflow_ref:str}",
    operation_id="v1UpdateWorkflow",
    permission=Permission.WRITE,
    summary="Update a workflow",
    answer=V1WorkflowOut,
    body=Body(Update, None, READ_ONLY, example={"status": "paused"}),
    errors={**INVALID, **UNKNOWN},
)
async def update_workflow(request: ApiRequest, workflow_ref: WorkflowRef) -> Response[bytes]:
    """Fields left out stay as they are. Runs under way stay on the definition they began with; `status` and
    `pausedNodeIds` hold them or let them go on at once."""
    data = await request.read(Update)
    number = number_of(WORKFLOW, workflow_ref)
    async with request.transaction() as session:
        await service.update_nodes(session, request.principal, request.services.vault, number, _sent(data))
        session.after_commit(request.services.waker.wake)
        changed = await _shown(session, request, number)
    return json_answer(changed)


@v1_route(
    "DELETE",
    "/workflows/{workflow_ref:str}",
    operation_id="v1DeleteWorkflow",
    permission=Permission.WRITE,
    summary="Delete a workflow",
    status=204,
    answer_text="Deleted; its runs under way are cancelled.",
    errors=UNKNOWN,
)
async def delete_workflow(request: ApiRequest, workflow_ref: WorkflowRef) -> Response[None]:
    """Deletes the workflow and cancels what is enrolled in it."""
    async with request.transaction() as session:
        await workflows.delete_workflow(session, request.principal, number_of(WORKFLOW, workflow_ref))
    return no_content()


def _sent(data: V1WorkflowFields) -> Sent:
    sent = data.model_dump(by_alias=True, exclude_unset=True)
    plain = {name: value for name, value in sent.items() if name not in FIELDS}
    return Sent(plain, {name: value for name, value in sent.items() if name in FIELDS})


async def _shown(session: Session, request: ApiRequest, workflow_id: int) -> dict[str, Any]:
    row: Record = await workflows.require_workflow(session, request.principal, workflow_id)
    [definition] = await service.shown_definitions(session, request.principal, [row])
    return presentation.workflow(row, definition)


ROUTES: Sequence[HTTPRouteHandler] = (list_workflows, create_workflow, get_workflow, update_workflow, delete_workflow)
