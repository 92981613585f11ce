"""The mutation `retryEnrollment`."""

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
async def retry_enrollment(call: Call[None]) -> Any:
    """Begins the step that failed again, as the same visit with the same idempotency key and five fresh attempts."""
    return await act(call, Order(Action.RETRY))
