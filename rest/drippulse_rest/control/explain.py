"""Explaining one run."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.enrollments.explaining.schemas import ExplanationOut
from drippulse.enrollments.explaining.service import explain
from drippulse.organizations.policy import Permission
from drippulse.workflows.templates import Templates
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.ids import EnrollmentId, WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import route


@route(
    "GET",
    "/workflows/{workflow_id:int}/enrollments/{enrollment_id:int}/explain",
    operation_id="explainEnrollment",
    permission=Permission.READ,
    tag="Control",
    summary="Explain an enrollment",
    answer=ExplanationOut,
    errors={404: ("workflow_not_found", "enrollment_not_found")},
)
async def explain_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """Why the run is where it is, with the values that conditions saw; why it does not go on or send; what comes next
    and when; which version it runs on; and how it came to each of its mails."""
    templates = Templates(request.services.clock)
    async with request.transaction() as session:
        found = await explain(session, request.principal, request.services.vault, templates, workflow_id, enrollment_id)
    return json_answer(found)


ROUTES: Sequence[HTTPRouteHandler] = (explain_enrollment,)
