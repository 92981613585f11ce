"""`/approvals`: what waits for somebody's decision, and deciding it."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.approvals import service
from drippulse.approvals.listing import LISTING
from drippulse.approvals.schemas import READ_ONLY, ApprovalList, ApprovalOut, Decision
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.ids import ApprovalId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Approvals"
WRAPPER = "approval"
UNKNOWN = {404: ("approval_not_found",)}


@list_route(
    "/approvals",
    operation_id="listApprovals",
    tag=TAG,
    summary="List approvals",
    answer=ApprovalList,
    listing=LISTING,
)
async def list_approvals(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """The approvals of the organization, newest first; at most 500 without paging parameters. One whose run has ended
    or left the step is cancelled."""
    async with request.transaction() as session:
        answer = await service.list_approvals(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "GET",
    "/approvals/{approval_id:int}",
    operation_id="getApproval",
    permission=Permission.READ,
    tag=TAG,
    summary="Show an approval",
    answer=ApprovalOut,
    errors=UNKNOWN,
)
async def get_approval(request: ApiRequest, approval_id: ApprovalId) -> Response[bytes]:
    """One approval: what is asked, about whom, until when, and what was decided."""
    async with request.transaction() as session:
        found = await service.get_approval(session, request.principal, approval_id)
    return json_answer(found)


@route(
    "POST",
    "/approvals/{approval_id:int}/decide",
    operation_id="decideApproval",
    permission=Permission.DECIDE_APPROVALS,
    tag=TAG,
    summary="Decide an approval",
    answer=ApprovalOut,
    body=Body(
        Decision, WRAPPER, READ_ONLY, example={"decision": "approve", "note": "Good fit", "output": {"owner": "ada"}}
    ),
    errors=UNKNOWN | {403: ("own_request",), 409: ("approval_closed",), 422: ("validation_failed",)},
)
async def decide_approval(request: ApiRequest, approval_id: ApprovalId) -> Response[bytes]:
    """Says yes or no, once: a second decision, and one that comes too late, answers 409 and changes nothing. Members of
    `output` are merged into the contact's data. The run goes on at once; a paused one when it is resumed. Whoever
    enrolled the contact does not decide."""
    data = await request.read(Decision)
    async with request.transaction() as session:
        decided = await service.decide(session, request.principal, request.services.waker, approval_id, data)
    return json_answer(decided)


ROUTES: Sequence[HTTPRouteHandler] = (list_approvals, get_approval, decide_approval)
