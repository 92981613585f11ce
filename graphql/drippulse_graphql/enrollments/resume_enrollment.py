"""The mutation `resumeEnrollment`."""

from typing import Any

from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order
from drippulse.enrollments.holding import ResumePolicy
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.acting import act
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=ENROLLMENT, body=ResumePolicy, answers=EnrollmentDetail)
async def resume_enrollment(call: Call[ResumePolicy]) -> Any:
    """Lifts the pause of this run. It goes on unless its step, its workflow or the organization is paused too."""
    return await act(call, Order(Action.RESUME, call.body))
