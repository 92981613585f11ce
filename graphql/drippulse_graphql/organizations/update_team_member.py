"""The mutation `updateTeamMember`."""

from typing import Any

from drippulse.organizations.members import service
from drippulse.organizations.members.schemas import MemberOut, MemberUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.organizations.answers import TEAM_MEMBER


@mutation(Permission.ADMINISTER, about=TEAM_MEMBER, body=MemberUpdate, answers=MemberOut, called="team_member")
async def update_team_member(call: Call[MemberUpdate]) -> Any:
    """Fields left out stay as they are. `status` removed ends sessions and revokes keys; active lets a removed
    member in again. Nobody changes their own role, and the last Admin stays Admin."""
    call.session.after_commit(call.services.authenticator.forget_after_commit)
    return await service.update_member(call.session, call.principal, call.id, call.body)
