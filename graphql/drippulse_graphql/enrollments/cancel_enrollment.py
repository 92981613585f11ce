"""The mutation `cancelEnrollment`."""

from typing import Any

from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order
from drippulse.enrollments.control_schemas import Cancel
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.acting import act
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=ENROLLMENT, body=Cancel, answers=EnrollmentDetail)
async def cancel_enrollment(call: Call[Cancel]) -> Any:
    """Ends this run for good. It stays in lists, unlike a deleted one."""
    return await act(call, Order(Action.CANCEL, reason=call.body.reason))
