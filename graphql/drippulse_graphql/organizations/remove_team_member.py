"""The mutation `removeTeamMember`."""

from typing import Any

from drippulse.organizations.members import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.organizations.answers import TEAM_MEMBER


@mutation(Permission.ADMINISTER, about=TEAM_MEMBER)
async def remove_team_member(call: Call[None]) -> Any:
    """Sessions end, API keys are revoked; or the invitation is withdrawn."""
    call.session.after_commit(call.services.authenticator.forget_after_commit)
    await service.remove_member(call.session, call.principal, call.id)
