"""The mutation `pauseEnrollment`."""

from typing import Any

from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.acting import act
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=ENROLLMENT, answers=EnrollmentDetail)
async def pause_enrollment(call: Call[None]) -> Any:
    """Nothing further happens for this run until it is resumed; a call under way comes to its end and is recorded."""
    return await act(call, Order(Action.PAUSE))
