"""The mutation `resendInvitation`."""

from functools import partial
from typing import Any

from drippulse.organizations.members import service
from drippulse.organizations.members.schemas import InvitedMemberOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.organizations.answers import TEAM_MEMBER


@mutation(Permission.ADMINISTER, about=TEAM_MEMBER, answers=InvitedMemberOut, called="team_member")
async def resend_invitation(call: Call[None]) -> Any:
    """A new link for 7 days; the one before opens nothing any more."""
    services = call.services
    invited = await service.resend(call.session, call.principal, call.id, services.settings.public_url)
    call.session.after_commit(partial(services.notices.invite, invited.mail))
    return invited.answer
