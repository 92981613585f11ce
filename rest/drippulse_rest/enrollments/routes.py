"""`/workflows/{workflow_id}/enrollments`: start runs, watch them, remove one."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.enrollments import queries, service
from drippulse.enrollments.contacts import Batch, read_batch
from drippulse.enrollments.errors import NoEnrollmentsCreatedError
from drippulse.enrollments.queries import Filters
from drippulse.enrollments.schemas import BulkEnrollment, BulkOut, EnrollmentDetail, EnrollmentList
from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.kit import strict_json
from drippulse.kit.filters import Operator, choice, integer, text, timestamp
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.ids import EnrollmentId, WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, Listing, list_route, route

TAG = "Enrollments"
UNKNOWN = {404: ("workflow_not_found", "enrollment_not_found")}
LISTING = Listing(
    queries.SORTS,
    {
        "status": choice(EnrollmentStatus, "Only runs of this status."),
        "step_index": integer("Only runs on this step, from 0.", least=0, most=service.MAX_STEP_INDEX),
        "step_id": text("Only runs on this step, by its id."),
        "lead_ref": text("Only runs of this reference.", operators=(Operator.EQ, Operator.NE, Operator.EXISTS)),
        "email": text("The contact's address."),
        "workflow_version": integer("The version that it runs on."),
        "next_run_at": timestamp("When it goes on."),
        "created_at": timestamp("When it was enrolled."),
        "updated_at": timestamp("When something happened last."),
    },
    search="Text in the e-mail, the name or the reference.",
    full_limit=service.LIST_LIMIT,
)
EXAMPLE = {"contacts": [{"email": "a@b.com", "first_name": "Ada", "lead_ref": "crm-123"}], "timezone": "UTC"}
BULK_ERRORS = (
    "workflow_archived",
    "contacts_required",
    "contacts_empty",
    "no_enrollments_created",
    "invalid_timezone",
    "too_many_contacts",
    "validation_failed",
)


@list_route(
    "/workflows/{workflow_id:int}/enrollments",
    operation_id="listEnrollments",
    tag=TAG,
    summary="List enrollments with the step funnel",
    answer=EnrollmentList,
    errors={404: ("workflow_not_found",), 422: ("validation_failed",)},
    listing=LISTING,
)
async def list_enrollments(request: ApiRequest, workflow_id: WorkflowId, wanted: ListRequest) -> Response[bytes]:
    """The 500 newest runs, or a page of them, with how many stand on each step. Filters do not change the funnel."""
    filters = Filters(q=wanted.q, conditions=wanted.filters)
    async with request.transaction() as session:
        answer = await service.list_enrollments(session, request.principal, workflow_id, filters, wanted.page)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/workflows/{workflow_id:int}/enrollments/bulk",
    operation_id="bulkEnroll",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Enroll contacts",
    status=201,
    answer=BulkOut,
    body=Body(BulkEnrollment, "enrollment", example=EXAMPLE),
    errors={404: ("workflow_not_found", "agent_not_found"), 422: BULK_ERRORS},
    body_limit=BULK_BODY_LIMIT,
)
async def bulk_enroll(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Starts one live run for each contact. Every call makes new rows; remove a mistaken one with DELETE. When no row
    at all can be made the answer is 422, never a 201 with zero."""
    batch = await _read_batch(request)
    async with request.transaction() as session:
        made = await service.bulk_enroll(session, request.principal, request.services.waker, workflow_id, batch)
    return json_answer(made, status=201)


async def _read_batch(request: ApiRequest) -> Batch:
    if not request.says_json():
        raise NoEnrollmentsCreatedError(
            "No enrollments were created: send JSON objects with Content-Type: application/json, not a form.",
            extra={"created_count": 0},
        )
    raw = await request.json_bytes()
    body = strict_json.loads(raw) if raw else None
    return read_batch(body, may_hold_nul=strict_json.may_hold_nul(raw))


@route(
    "GET",
    "/workflows/{workflow_id:int}/enrollments/{enrollment_id:int}",
    operation_id="getEnrollment",
    permission=Permission.READ,
    tag=TAG,
    summary="Show an enrollment",
    answer=EnrollmentDetail,
    errors=UNKNOWN,
)
async def get_enrollment(request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId) -> Response[bytes]:
    """One run with its timeline, mails, what recipients did with them, and its runtime state."""
    async with request.transaction() as session:
        found = await service.get_enrollment(session, request.principal, workflow_id, enrollment_id)
    return json_answer(found)


@route(
    "DELETE",
    "/workflows/{workflow_id:int}/enrollments/{enrollment_id:int}",
    operation_id="deleteEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Remove an enrollment",
    status=204,
    answer_text="Removed; nothing further happens for it.",
    errors=UNKNOWN,
)
async def delete_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[None]:
    """Removes one run and stops its future."""
    async with request.transaction() as session:
        await service.delete_enrollment(session, request.principal, workflow_id, enrollment_id)
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (list_enrollments, bulk_enroll, get_enrollment, delete_enrollment)
