"""The mutation `resolveEnrollment`."""

from typing import Any

from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import Order
from drippulse.enrollments.control_schemas import Resolve
from drippulse.enrollments.schemas import EnrollmentDetail
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.acting import act
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=ENROLLMENT, body=Resolve, answers=EnrollmentDetail)
async def resolve_enrollment(call: Call[Resolve]) -> Any:
    """For a run whose step waits with the reason `outcome_unknown`: resend it, or go on without. Decided once."""
    return await act(call, Order(Action(call.body.action)))
