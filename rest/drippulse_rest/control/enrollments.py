"""What operators do to single runs, and to many of them by a filter."""

from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.enrollments import control, service
from drippulse.enrollments.actions import Action, Refusal
from drippulse.enrollments.control import Order
from drippulse.enrollments.control_schemas import BulkAction, BulkActionOut, Cancel, Nothing, Resolve
from drippulse.enrollments.holding import ResumePolicy
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.ids import EnrollmentId, WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, Keyed, route

TAG = "Control"
PATH = "/workflows/{workflow_id:int}/enrollments/{enrollment_id:int}"
UNKNOWN = {404: ("workflow_not_found", "enrollment_not_found"), 422: ("validation_failed",)}
FINISHED = {409: (Refusal.FINISHED.value,)}


async def _act(request: ApiRequest, workflow_id: int, enrollment_id: int, order: Order) -> Response[bytes]:
    """The run as it is afterwards."""
    async with request.transaction() as session:
        await control.act_on_one(session, request.principal, workflow_id, enrollment_id, order)
        session.after_commit(request.services.waker.wake)
        found = await service.get_enrollment(session, request.principal, workflow_id, enrollment_id)
    return json_answer(found)


@route(
    "POST",
    PATH + "/pause",
    operation_id="pauseEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Pause an enrollment",
    answer=EnrollmentDetail,
    body=Body(Nothing, required=False),
    errors=UNKNOWN | FINISHED,
)
async def pause_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """Nothing further happens for this run until it is resumed; a call under way comes to its end and is recorded. A
    paused run stays as it is."""
    await request.read(Nothing)
    return await _act(request, workflow_id, enrollment_id, Order(Action.PAUSE))


@route(
    "POST",
    PATH + "/resume",
    operation_id="resumeEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Resume an enrollment",
    answer=EnrollmentDetail,
    body=Body(ResumePolicy, required=False, example={"clock": "freeze"}),
    errors=UNKNOWN | FINISHED,
)
async def resume_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """Lifts the pause of this run. It goes on unless its step, its workflow or the organization is paused too. A run
    that is not paused stays as it is."""
    policy = await request.read(ResumePolicy)
    return await _act(request, workflow_id, enrollment_id, Order(Action.RESUME, policy))


@route(
    "POST",
    PATH + "/cancel",
    operation_id="cancelEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Cancel an enrollment",
    answer=EnrollmentDetail,
    body=Body(Cancel, required=False, example={"reason": "signed up already"}),
    errors=UNKNOWN | FINISHED,
)
async def cancel_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """Ends this run for good. It stays in lists, unlike a deleted one."""
    data = await request.read(Cancel)
    return await _act(request, workflow_id, enrollment_id, Order(Action.CANCEL, reason=data.reason))


@route(
    "POST",
    PATH + "/retry",
    operation_id="retryEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Retry a failed enrollment",
    answer=EnrollmentDetail,
    body=Body(Nothing, required=False),
    errors=UNKNOWN | {409: (Refusal.NOT_FAILED.value, Refusal.UNDER_WAY.value)},
)
async def retry_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """Begins the step that failed again, as the same visit with the same idempotency key and five fresh attempts. A run
    that has reached a goal since it failed ends instead."""
    await request.read(Nothing)
    return await _act(request, workflow_id, enrollment_id, Order(Action.RETRY))


@route(
    "POST",
    PATH + "/resolve",
    operation_id="resolveEnrollment",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Decide about an unknown outcome",
    answer=EnrollmentDetail,
    body=Body(Resolve, example={"action": "skip"}),
    errors=UNKNOWN | {400: ("missing_parameter",), 409: (Refusal.NOTHING_TO_DECIDE.value,)},
)
async def resolve_enrollment(
    request: ApiRequest, workflow_id: WorkflowId, enrollment_id: EnrollmentId
) -> Response[bytes]:
    """For a run whose step waits with the reason `outcome_unknown`: resend it, or go on without. Decided once; a second
    decision answers 409."""
    data = await request.read(Resolve)
    return await _act(request, workflow_id, enrollment_id, Order(Action(data.action)))


@route(
    "POST",
    "/workflows/{workflow_id:int}/enrollments/actions",
    operation_id="actOnEnrollments",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Act on many enrollments",
    answer=BulkActionOut,
    body=Body(BulkAction, example={"action": "retry", "filter": {"error_code": "smtp_refused"}, "dry_run": True}),
    errors={400: ("missing_parameter",), 404: ("workflow_not_found",), 422: ("validation_failed",)},
    body_limit=BULK_BODY_LIMIT,
    keyed=Keyed.APART,
)
async def act_on_enrollments(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Pauses, resumes, cancels, retries or decides about every run that the filter lets through. Runs that the action
    does not fit are skipped and counted by reason. 5,000 runs go into one transaction; a call that breaks off is simply
    sent again."""
    wanted = await request.read(BulkAction)
    try:
        done = await control.act_on_many(request.transaction, request.principal, workflow_id, wanted)
    finally:
        await request.services.waker.wake()
    return json_answer(done)


ROUTES: Sequence[HTTPRouteHandler] = (
    pause_enrollment,
    resume_enrollment,
    cancel_enrollment,
    retry_enrollment,
    resolve_enrollment,
    act_on_enrollments,
)
