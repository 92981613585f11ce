"""`/stalls`: runs that stand still although they should go on, and their repair."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse.stalls import service
from drippulse.stalls.listing import LISTING
from drippulse.stalls.schemas import Repair, RepairOut, StallList
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Watchdog"
WRAPPER = "stall"


@list_route(
    "/stalls",
    operation_id="listStalls",
    tag=TAG,
    summary="List stalls",
    answer=StallList,
    listing=LISTING,
)
async def list_stalls(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """What the watchdog flagged, newest first; at most 500 without paging parameters. It looks once a minute and
    resolves by itself what moved on."""
    async with request.transaction() as session:
        answer = await service.list_stalls(session, request.principal, wanted.value("status"), wanted.page)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/stalls/repair",
    operation_id="repairStalls",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Repair stalls",
    answer=RepairOut,
    body=Body(Repair, WRAPPER, required=False, example={"ids": [1, 2]}),
    errors={404: ("stall_not_found",), 422: ("validation_failed",)},
)
async def repair_stalls(request: ApiRequest) -> Response[bytes]:
    """Gives the stalled runs back to the engine, all open ones or those named. What moved on meanwhile is left
    alone."""
    data = await request.read(Repair)
    async with request.transaction() as session:
        answer = await service.repair(session, request.principal, request.services.waker, data)
    return json_answer(answer)


ROUTES: Sequence[HTTPRouteHandler] = (list_stalls, repair_stalls)
