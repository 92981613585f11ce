"""`/v1/enrollments`."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from drippulse.enrollments import contact_runs, queries
from drippulse.enrollments.contact_queries import RunFilters
from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.kit.public_ids import decode_id
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body
from drippulse_rest.v1 import presentation
from drippulse_rest.v1.ids import ENROLLMENT, WORKFLOW, EnrollmentRef, contact_public_id, number_of
from drippulse_rest.v1.paging import Limit, Offset, items, window
from drippulse_rest.v1.routing import v1_route
from drippulse_rest.v1.schemas import (
    V1BulkEnrollment,
    V1BulkOut,
    V1Enrollment,
    V1EnrollmentList,
    V1EnrollmentOut,
    V1LogList,
)

NOBODY = 0
READ_ONLY = frozenset(V1EnrollmentOut.model_json_schema()["properties"]) - {"workflowId", "contactId", "variables"}
UNKNOWN = {404: ("enrollment_not_found",)}


@v1_route(
    "GET",
    "/enrollments",
    operation_id="v1ListEnrollments",
    permission=Permission.READ,
    summary="List enrollments",
    answer=V1EnrollmentList,
    errors={400: ("invalid_page",), 422: ("validation_failed",)},
)
async def list_enrollments(
    request: ApiRequest,
    limit: Limit = None,
    offset: Offset = None,
    workflow_id: Annotated[
        str | None, QueryParameter(name="workflowId", description="Only runs of this workflow.")
    ] = None,
    contact_id: Annotated[
        str | None, QueryParameter(name="contactId", description="Only runs of this contact.")
    ] = None,
    status: Annotated[EnrollmentStatus | None, QueryParameter(description="Only runs of this status.")] = None,
) -> Response[bytes]:
    """Newest first."""
    page = window(limit, offset)
    filters = RunFilters(
        None if workflow_id is None else decode_id(WORKFLOW, workflow_id) or NOBODY,
        None if contact_id is None else contact_public_id(contact_id),
        status,
    )
    async with request.transaction() as session:
        rows, total = await contact_runs.list_runs(
            session, request.principal, filters, limit=page.limit, offset=page.offset
        )
    return json_answer(items([presentation.enrollment(row) for row in rows], total, page))


@v1_route(
    "POST",
    "/enrollments",
    operation_id="v1CreateEnrollment",
    permission=Permission.WRITE,
    summary="Enroll a contact",
    status=201,
    answer=V1EnrollmentOut,
    body=Body(
        V1Enrollment,
        None,
        READ_ONLY,
        example={"workflowId": "wf_abc", "contactId": "con_xyz", "variables": {"hook": "news"}},
    ),
    errors={
        400: ("invalid_email", "contact_suppressed"),
        404: ("workflow_not_found", "contact_not_found"),
        409: ("already_enrolled", "entry_refused"),
        422: ("workflow_archived",),
    },
)
async def create_enrollment(request: ApiRequest) -> Response[bytes]:
    """A contact has one run under way in a workflow at a time."""
    data = await request.read(V1Enrollment)
    waker = request.services.waker
    async with request.transaction() as session:
        workflow_id, contact = number_of(WORKFLOW, data.workflow_id), contact_public_id(data.contact_id)
        row = await contact_runs.enroll_contact(session, request.principal, waker, workflow_id, contact, data.variables)
    return json_answer(presentation.enrollment(row), status=201)


@v1_route(
    "POST",
    "/enrollments/bulk",
    operation_id="v1BulkEnroll",
    permission=Permission.WRITE,
    summary="Enroll up to 100 contacts",
    answer=V1BulkOut,
    body=Body(V1BulkEnrollment, example={"workflowId": "wf_abc", "contactIds": ["con_1", "con_2"]}),
    errors={404: ("workflow_not_found",), 422: ("too_many_contacts", "workflow_archived")},
)
async def bulk_enroll(request: ApiRequest) -> Response[bytes]:
    """A result for each contact, in their order: enrolled, skipped (already enrolled) or failed with the reason."""
    data = await request.read(V1BulkEnrollment)
    async with request.transaction() as session:
        workflow_id = number_of(WORKFLOW, data.workflow_id)
        contacts = [contact_public_id(contact_id) for contact_id in data.contact_ids]
        outcomes = await contact_runs.enroll_contacts(
            session, request.principal, request.services.waker, workflow_id, contacts, data.variables
        )
    pairs = zip(outcomes, data.contact_ids, strict=True)
    return json_answer({"results": [presentation.bulk_result(outcome, contact_id) for outcome, contact_id in pairs]})


@v1_route(
    "GET",
    "/enrollments/{enrollment_ref:str}",
    operation_id="v1GetEnrollment",
    permission=Permission.READ,
    summary="Show an enrollment",
    answer=V1EnrollmentOut,
    errors=UNKNOWN,
)
async def get_enrollment(request: ApiRequest, enrollment_ref: EnrollmentRef) -> Response[bytes]:
    """Its status and the node it stands on."""
    async with request.transaction() as session:
        row = await contact_runs.get_run(session, request.principal, number_of(ENROLLMENT, enrollment_ref))
    return json_answer(presentation.enrollment(row))


@v1_route(
    "GET",
    "/enrollments/{enrollment_ref:str}/logs",
    operation_id="v1ListEnrollmentLogs",
    permission=Permission.READ,
    summary="Show what happened at each node",
    answer=V1LogList,
    errors=UNKNOWN,
)
async def list_logs(request: ApiRequest, enrollment_ref: EnrollmentRef) -> Response[bytes]:
    """The newest 2,000 entries, oldest first, as a bare list."""
    async with request.transaction() as session:
        row = await contact_runs.get_run(session, request.principal, number_of(ENROLLMENT, enrollment_ref))
        entries = await queries.timeline(session, request.principal.organization_id, row["id"])
    return json_answer([shown for entry in entries if (shown := presentation.log(entry)) is not None])


ROUTES: Sequence[HTTPRouteHandler] = (list_enrollments, create_enrollment, bulk_enroll, get_enrollment, list_logs)
