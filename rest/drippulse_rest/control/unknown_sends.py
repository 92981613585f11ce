"""`/workflows/{workflow_id}/unknown_sends`: mails whose outcome is unknown, and what to do about them."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.enrollments import unknown_sends
from drippulse.enrollments.unknown_listing import LISTING
from drippulse.enrollments.unknown_schemas import ResolveUnknown, ResolveUnknownOut, UnknownSendList
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.ids import WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, Keyed, list_route, route

TAG = "Control"
PATH = "/workflows/{workflow_id:int}/unknown_sends"


@list_route(
    PATH,
    operation_id="listUnknownSends",
    tag=TAG,
    summary="List sends of unknown outcome",
    answer=UnknownSendList,
    errors={404: ("workflow_not_found",), 422: ("validation_failed",)},
    listing=LISTING,
)
async def list_unknown_sends(request: ApiRequest, workflow_id: WorkflowId, wanted: ListRequest) -> Response[bytes]:
    """Mails that were begun and whose result nobody learned, as far as somebody has to decide about them; newest first,
    at most 500 without paging parameters."""
    async with request.transaction() as session:
        answer = await unknown_sends.list_unknown_sends(session, request.principal, workflow_id, wanted.page)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    PATH + "/resolve",
    operation_id="resolveUnknownSends",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Resend or dismiss sends of unknown outcome",
    answer=ResolveUnknownOut,
    body=Body(ResolveUnknown, example={"action": "resend", "step_id": "welcome", "dry_run": True}),
    errors={
        400: ("missing_parameter",),
        404: ("workflow_not_found",),
        422: ("validation_failed", "workflow_archived"),
    },
    body_limit=BULK_BODY_LIMIT,
    keyed=Keyed.APART,
)
async def resolve_unknown_sends(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Sends each of these mails once more, or lets them be. Mails that the decision does not fit are skipped and
    counted by reason. 1,000 go into one transaction; a call that breaks off is simply sent again."""
    wanted = await request.read(ResolveUnknown)
    try:
        done = await unknown_sends.resolve(request.transaction, request.principal, workflow_id, wanted)
    finally:
        await request.services.waker.wake()
    return json_answer(done)


ROUTES: Sequence[HTTPRouteHandler] = (list_unknown_sends, resolve_unknown_sends)
