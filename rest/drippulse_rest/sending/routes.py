"""`/sending` and `/suppressions`: what may be sent, how it goes, and who gets no more mail."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse.sending import service, suppressions
from drippulse.sending.bounce_endpoint import BounceEndpoint
from drippulse.sending.listing import LISTING
from drippulse.sending.schemas import (
    BounceWebhookOut,
    ResetBreaker,
    SendingOut,
    SendingStatusOut,
    SendingUpdate,
    SuppressionCreate,
    SuppressionList,
    SuppressionOut,
)
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Sending"
EXAMPLE = {
    "caps": {"contact": {"per_day": 1, "per_week": 3}, "recipient_domain": {"per_hour": 500}},
    "quiet_hours": {"start": "21:00", "end": "08:00", "timezone": "contact"},
}
INVALID = {422: ("validation_failed",)}
READ_ONLY = frozenset({"id", "enrollment_id", "created_at"})


@route(
    "GET",
    "/sending",
    operation_id="getSending",
    permission=Permission.READ,
    tag=TAG,
    summary="Show the sending policy",
    answer=SendingOut,
)
async def get_sending(request: ApiRequest) -> Response[bytes]:
    """Caps, ramp-up, quiet hours and the breaker's limits of the organization; null means without limit."""
    async with request.transaction() as session:
        found = await service.get_policy(session, request.principal)
    return json_answer(found)


@route(
    "PATCH",
    "/sending",
    operation_id="updateSending",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Change the sending policy",
    answer=SendingOut,
    body=Body(SendingUpdate, "sending", example=EXAMPLE),
    errors=INVALID,
)
async def update_sending(request: ApiRequest) -> Response[bytes]:
    """Each part that is given (`caps`, `ramp_up`, `quiet_hours`, `breaker`) replaces that part as a whole; null takes
    it away. Mails that wait for a cap or for quiet hours are looked at again at once."""
    data = await request.read(SendingUpdate)
    async with request.transaction() as session:
        changed = await service.update_policy(session, request.principal, data, request.services.clock())
        session.after_commit(request.services.waker.wake)
    return json_answer(changed)


@route(
    "GET",
    "/sending/status",
    operation_id="getSendingStatus",
    permission=Permission.READ,
    tag=TAG,
    summary="How sending goes",
    answer=SendingStatusOut,
)
async def get_status(request: ApiRequest) -> Response[bytes]:
    """The breaker and its rates, totals of today and of the breaker's window, how full the caps are (the fullest
    windows first), how many enrollments wait for them, and how many addresses are suppressed."""
    async with request.transaction() as session:
        found = await service.status(session, request.principal)
    return json_answer(found)


@route(
    "POST",
    "/sending/reset_breaker",
    operation_id="resetSendingBreaker",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Send again after a stop",
    answer=SendingStatusOut,
    body=Body(ResetBreaker, example={"note": "The imported list was removed."}),
    errors=INVALID,
)
async def reset_breaker(request: ApiRequest) -> Response[bytes]:
    """Lets mail go again, with the rates beginning anew. Everyone whose mail was held goes on at once, within the
    caps."""
    data = await request.read(ResetBreaker)
    async with request.transaction() as session:
        found = await service.reset_breaker(session, request.principal, data.note)
        session.after_commit(request.services.waker.wake)
    return json_answer(found)


@route(
    "GET",
    "/sending/bounce_webhook",
    operation_id="getBounceWebhook",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Where providers report bounces",
    answer=BounceWebhookOut,
)
async def get_bounce_webhook(request: ApiRequest) -> Response[bytes]:
    """The URL and secret for calls signed by Standard Webhooks, and a URL with a token for providers that cannot
    sign."""
    async with request.transaction() as session:
        shown = await BounceEndpoint(request.services.settings).shown(session, request.principal.organization_id)
    return json_answer(shown)


@route(
    "POST",
    "/sending/bounce_webhook/rotate",
    operation_id="rotateBounceWebhook",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="New credentials for the bounce webhook",
    answer=BounceWebhookOut,
)
async def rotate_bounce_webhook(request: ApiRequest) -> Response[bytes]:
    """Ends the present secret and token at once and answers new ones."""
    async with request.transaction() as session:
        await service.rotate_bounce_webhook(session, request.principal)
        shown = await BounceEndpoint(request.services.settings).shown(session, request.principal.organization_id)
    return json_answer(shown)


@list_route(
    "/suppressions",
    operation_id="listSuppressions",
    tag=TAG,
    summary="List suppressed addresses",
    answer=SuppressionList,
    errors=INVALID,
    listing=LISTING,
)
async def list_suppressions(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Addresses that get no more mail from the organization, newest first; without paging parameters the 500 newest.
    Reasons are unsubscribe, bounce, complaint and manual."""
    async with request.transaction() as session:
        answer = await suppressions.list_suppressions(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/suppressions",
    operation_id="createSuppression",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Suppress an address",
    status=201,
    answer=SuppressionOut,
    answer_text="On the list; 200 when it was there already.",
    body=Body(SuppressionCreate, "suppression", READ_ONLY, example={"email": "ada@example.com", "reason": "manual"}),
    errors={422: ("validation_failed", "invalid_email")},
    other_statuses={200: SuppressionOut},
)
async def create_suppression(request: ApiRequest) -> Response[bytes]:
    """No mail begins for this address any more once this is answered. Doing it again changes nothing."""
    data = await request.read(SuppressionCreate)
    async with request.transaction() as session:
        entry, new = await suppressions.add(session, request.principal, data)
    return json_answer(entry, status=201 if new else 200)


@route(
    "DELETE",
    "/suppressions",
    operation_id="deleteSuppression",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Let an address get mail again",
    status=204,
    answer_text="Not on the list any more.",
    errors={400: ("missing_parameter",), 422: ("validation_failed", "invalid_email")},
)
async def delete_suppression(
    request: ApiRequest,
    email: Annotated[str, QueryParameter(description="The address.", schema_extra={"format": "email"})],
) -> Response[None]:
    """Takes an address off the list; answers the same when it was not there. Mails skipped meanwhile stay skipped."""
    async with request.transaction() as session:
        await suppressions.remove(session, request.principal, email)
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (
    get_sending,
    update_sending,
    get_status,
    reset_breaker,
    get_bounce_webhook,
    rotate_bounce_webhook,
    list_suppressions,
    create_suppression,
    delete_suppression,
)
