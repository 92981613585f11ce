"""The mutation `resumeOrganization`."""

from typing import Any

from drippulse.enrollments.control_schemas import OrganizationHoldsOut
from drippulse.enrollments.holding import ResumePolicy
from drippulse.organizations import pausing
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=ResumePolicy, answers=OrganizationHoldsOut)
async def resume_organization(call: Call[ResumePolicy]) -> Any:
    """Lets everything go on by the policy that is sent; what is paused by itself stays so."""
    call.wake()
    return await pausing.resume_organization(call.session, call.principal, call.body)
