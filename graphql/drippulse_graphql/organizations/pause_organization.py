"""The mutation `pauseOrganization`."""

from typing import Any

from drippulse.enrollments.control_schemas import OrganizationHoldsOut
from drippulse.organizations import pausing
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, answers=OrganizationHoldsOut)
async def pause_organization(call: Call[None]) -> Any:
    """Holds every run of every workflow, also those that begin from now on."""
    return await pausing.pause_organization(call.session, call.principal)
