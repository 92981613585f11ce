"""`/team_members`: who belongs to the organization."""

from collections.abc import Sequence
from functools import partial

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.db import Session
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.members import joining, service
from drippulse.organizations.members.listing import LISTING
from drippulse.organizations.members.schemas import (
    READ_ONLY_ON_CREATE,
    READ_ONLY_ON_UPDATE,
    Acceptance,
    AcceptedOut,
    InvitedMemberOut,
    MemberInvite,
    MemberList,
    MemberOut,
    MemberUpdate,
)
from drippulse.organizations.members.service import Invited
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route
from drippulse_rest.organizations.ids import MemberId

TAG = "Team members"
WRAPPER = "team_member"
UNKNOWN = {404: ("team_member_not_found",)}


@list_route(
    "/team_members",
    operation_id="listTeamMembers",
    tag=TAG,
    summary="List team members",
    answer=MemberList,
    listing=LISTING,
)
async def list_members(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Everybody who belongs to the organization, is invited, or was removed; `status=active,invited` leaves those out
    who were. E-mail addresses are answered to Admins alone."""
    async with request.transaction() as session:
        answer = await service.list_members(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/team_members",
    operation_id="inviteTeamMember",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Invite a team member",
    status=201,
    answer=InvitedMemberOut,
    answer_text="The member, with the invitation's link and token, which are told this once.",
    body=Body(MemberInvite, WRAPPER, READ_ONLY_ON_CREATE, example={"email": "ada@example.com", "role": "Editor"}),
    errors={409: ("member_exists",), 422: ("validation_failed",)},
)
async def invite_member(request: ApiRequest) -> Response[bytes]:
    """Sends an invitation by e-mail. The link is good for 7 days and for one use; of its token only the SHA-256 is
    kept."""
    data = await request.read(MemberInvite)
    async with request.transaction() as session:
        invited = await service.invite(session, request.principal, data, request.services.settings.public_url)
        _mail_after_commit(request, session, invited)
    return json_answer(invited.answer, status=201)


@route(
    "GET",
    "/team_members/{member_id:int}",
    operation_id="getTeamMember",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a team member",
    answer=MemberOut,
    errors=UNKNOWN,
)
async def get_member(request: ApiRequest, member_id: MemberId) -> Response[bytes]:
    """One member, also a removed one."""
    async with request.transaction() as session:
        found = await service.get_member(session, request.principal, member_id)
    return json_answer(found)


@route(
    "PATCH",
    "/team_members/{member_id:int}",
    operation_id="updateTeamMember",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Change a team member",
    answer=MemberOut,
    body=Body(MemberUpdate, WRAPPER, READ_ONLY_ON_UPDATE, example={"role": "Viewer"}),
    errors=UNKNOWN | {403: ("own_role",), 409: ("last_admin", "never_joined"), 422: ("validation_failed",)},
)
async def update_member(request: ApiRequest, member_id: MemberId) -> Response[bytes]:
    """Fields left out stay as they are. A lower role counts at once, for the member's API keys too. `status` removed
    ends sessions and revokes keys; active lets a removed member in again. Nobody changes their own role, and the last
    Admin stays Admin."""
    data = await request.read(MemberUpdate)
    async with request.transaction() as session:
        changed = await service.update_member(session, request.principal, member_id, data)
        session.after_commit(request.services.authenticator.forget_after_commit)
    return json_answer(changed)


@route(
    "DELETE",
    "/team_members/{member_id:int}",
    operation_id="removeTeamMember",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Remove a team member",
    status=204,
    answer_text="Removed: sessions have ended, API keys are revoked; or the invitation is withdrawn.",
    errors=UNKNOWN | {409: ("last_admin",)},
)
async def remove_member(request: ApiRequest, member_id: MemberId) -> Response[None]:
    """At once here, within 5 seconds on every other process. The row stays with the status removed."""
    async with request.transaction() as session:
        await service.remove_member(session, request.principal, member_id)
        session.after_commit(request.services.authenticator.forget_after_commit)
    return no_content()


@route(
    "POST",
    "/team_members/{member_id:int}/resend",
    operation_id="resendInvitation",
    permission=Permission.ADMINISTER,
    tag=TAG,
    summary="Send an invitation again",
    answer=InvitedMemberOut,
    answer_text="The member, with the new link and token, which are told this once.",
    errors=UNKNOWN | {409: ("not_invited",)},
)
async def resend_invitation(request: ApiRequest, member_id: MemberId) -> Response[bytes]:
    """A new link for 7 days; the one before opens nothing any more."""
    async with request.transaction() as session:
        invited = await service.resend(session, request.principal, member_id, request.services.settings.public_url)
        _mail_after_commit(request, session, invited)
    return json_answer(invited.answer)


@route(
    "POST",
    "/team_members/accept",
    operation_id="acceptInvitation",
    permission=None,
    tag=TAG,
    summary="Accept an invitation",
    status=201,
    answer=AcceptedOut,
    answer_text="Joined. Log in with the username and password.",
    body=Body(Acceptance, example={"token": "drinv_...", "username": "ada", "password": "..."}),
    errors={
        404: ("invitation_not_found",),
        409: ("username_taken",),
        410: ("invitation_expired",),
        422: ("validation_failed",),
        429: ("too_many_logins",),
    },
)
async def accept_invitation(request: ApiRequest) -> Response[bytes]:
    """For whoever has the invitation's token. Unknown, used, withdrawn and replaced tokens answer alike."""
    data = await request.read(Acceptance)
    services = request.services
    joined = await joining.accept(services.database, services.authenticator.throttle, data, request.client_address)
    return json_answer(joined, status=201)


def _mail_after_commit(request: ApiRequest, session: Session, invited: Invited) -> None:
    session.after_commit(partial(request.services.notices.invite, invited.mail))


ROUTES: Sequence[HTTPRouteHandler] = (
    list_members,
    invite_member,
    get_member,
    update_member,
    remove_member,
    resend_invitation,
    accept_invitation,
)
