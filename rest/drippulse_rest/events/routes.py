"""`/events`: tell what happened, and read the log."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.events import intake
from drippulse.events.listing import LISTING, list_log
from drippulse.events.schemas import EventBatch, EventBatchOut, EventIn, EventList, EventOut
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, list_route, route

TAG = "Events"
EXAMPLE = {"type": "order.paid", "email": "ada@example.com", "data": {"amount": 42}, "id": "order-1001"}
READ_ONLY = frozenset({"record_type", "record_id", "actor_type", "actor_id", "source_id", "created_at"})


@route(
    "POST",
    "/events",
    operation_id="sendEvent",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Send an event",
    status=201,
    answer=EventOut,
    answer_text="The event, durable.",
    other_statuses={200: EventOut},
    body=Body(EventIn, "event", READ_ONLY, example=EXAMPLE),
    errors={422: ("reserved_event_type", "event_key_required", "validation_failed")},
)
async def send_event(request: ApiRequest) -> Response[bytes]:
    """Workflows that listen to its type start, go on or end because of it. With an `id` of your own it is taken once:
    the same id again answers the first event with 200 and does nothing."""
    event = await request.read(EventIn)
    async with request.transaction() as session:
        received = await intake.receive(session, request.principal, request.services.waker, event)
    return json_answer(intake.present(received.row), status=201 if received.new else 200)


@route(
    "POST",
    "/events/batch",
    operation_id="sendEvents",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Send events",
    status=201,
    answer=EventBatchOut,
    answer_text="What became of each; at least one was new.",
    other_statuses={200: EventBatchOut},
    body=Body(EventBatch, example={"events": [EXAMPLE]}),
    errors={422: ("no_events_accepted", "validation_failed")},
    body_limit=BULK_BODY_LIMIT,
)
async def send_events(request: ApiRequest) -> Response[bytes]:
    """Up to 1,000 events in the order they happened. Those that are not valid are left out and named; when none is
    valid the answer is 422."""
    batch = await request.read(EventBatch)
    async with request.transaction() as session:
        answer = await intake.receive_batch(session, request.principal, request.services.waker, batch.events)
    return json_answer(answer, status=201 if answer["accepted_count"] else 200)


@list_route(
    "/events",
    operation_id="listEvents",
    tag=TAG,
    summary="Read the event log",
    answer=EventList,
    listing=LISTING,
)
async def list_events(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """What happened in the organization, newest first: the platform's own events and those that were sent. The 500
    newest without paging parameters."""
    async with request.transaction() as session:
        answer = await list_log(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


ROUTES: Sequence[HTTPRouteHandler] = (send_event, send_events, list_events)
