"""The mutation `inviteTeamMember`."""

from functools import partial
from typing import Any

from drippulse.organizations.members import service
from drippulse.organizations.members.schemas import InvitedMemberOut, MemberInvite
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=MemberInvite, answers=InvitedMemberOut, called="team_member")
async def invite_team_member(call: Call[MemberInvite]) -> Any:
    """Sends an invitation by e-mail. The link is good for 7 days and for one use, and is told this once."""
    services = call.services
    invited = await service.invite(call.session, call.principal, call.body, services.settings.public_url)
    call.session.after_commit(partial(services.notices.invite, invited.mail))
    return invited.answer
