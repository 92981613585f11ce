"""What a team does: invite, change, remove and let in again. What is taken away works no more when this commits."""

from dataclasses import dataclass
from typing import Any

from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.clock import isoformat, isoformat_or_none
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.keys import queries as keys
from drippulse.organizations.lists import read_list
from drippulse.organizations.members import queries
from drippulse.organizations.members.errors import (
    LastAdminError,
    MemberExistsError,
    NeverJoinedError,
    NotInvitedError,
    OwnRoleError,
)
from drippulse.organizations.members.invitations import LASTS, Invitation, NewToken, accept_url, make_token
from drippulse.organizations.members.schemas import MemberInvite, MemberUpdate
from drippulse.organizations.policy import Permission, Principal
from drippulse.organizations.tables import MemberRole, MemberStatus

RESOURCE = "team member"
MESSAGE = "Save this link now! You won't be able to see it again. It was also sent by e-mail if mail is set up."


@dataclass(frozen=True, slots=True)
class Invited:
    """The answer, which holds the token, and the mail to send after commit."""

    answer: dict[str, Any]
    mail: Invitation


def present(row: Record, principal: Principal) -> dict[str, Any]:
    """The member as every edge answers it. Addresses are for Admins."""
    inviter = {"type": row["invited_by_type"], "id": row["invited_by_id"]}
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "username": row["username"],
        "name": row["name"],
        "email": row["email"] if principal.allows(Permission.ADMINISTER) else None,
        "role": row["role"],
        "status": row["status"],
        "invited_by": inviter if row["invited_by_type"] else None,
        "invited_at": isoformat_or_none(row["invited_at"]),
        "invitation_expires_at": isoformat_or_none(row["token_expires_at"]),
        "accepted_at": isoformat_or_none(row["accepted_at"]),
        "removed_at": isoformat_or_none(row["removed_at"]),
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def list_members(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """Everybody who belongs, is invited, or was removed."""
    organization = principal.organization_id
    return await read_list(session, organization, queries.LIST, wanted, lambda row: present(row, principal))


async def get_member(session: Session, principal: Principal, member_id: int) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ids alike."""
    row = await queries.by_id(session, principal.organization_id, member_id)
    if row is None:
        raise not_found(RESOURCE)
    return present(row, principal)


async def invite(session: Session, principal: Principal, data: MemberInvite, public_url: str) -> Invited:
    """Raises MemberExistsError: the address belongs to the team, or is invited."""
    organization, key, new = principal.organization_id, same_mailbox_key(data.email), make_token()
    status = await queries.taken(session, organization, key, data.email)
    if status is not None:
        raise MemberExistsError(status)
    inviter = (principal.actor_type, principal.actor_id)
    member_id = await queries.invite(
        session, organization, data.role.value, data.name, data.email, key, new.token_hash, LASTS, *inviter
    )
    if member_id is None:
        raise MemberExistsError(MemberStatus.INVITED)
    details = {"email": data.email, "role": data.role.value}
    await audit.record(session, principal, AuditAction.MEMBER_INVITED, ("team_member", member_id), details)
    return await _invited(session, principal, member_id, new, public_url)


async def resend(session: Session, principal: Principal, member_id: int, public_url: str) -> Invited:
    """A new token; the one before opens nothing any more.

    Raises:
        NotFoundError, NotInvitedError
    """
    row = await _locked(session, principal, member_id)
    if row["status"] != MemberStatus.INVITED:
        raise NotInvitedError(row["status"])
    new = make_token()
    await queries.renew(session, principal.organization_id, member_id, new.token_hash, LASTS)
    details = {"email": row["email"]}
    await audit.record(session, principal, AuditAction.INVITATION_RESENT, ("team_member", member_id), details)
    return await _invited(session, principal, member_id, new, public_url)


async def _invited(session: Session, principal: Principal, member_id: int, new: NewToken, public_url: str) -> Invited:
    organization = principal.organization_id
    shown = await get_member(session, principal, member_id)
    url = accept_url(public_url, new.token)
    name = await queries.organization_name(session, organization)
    inviter = await queries.inviter(session, organization, principal.user_id) or "An administrator"
    told = {"token": new.token, "url": url, "expires_at": shown["invitation_expires_at"]}
    return Invited(
        {**shown, "invitation": told, "message": MESSAGE}, Invitation(shown["email"], inviter, name, shown["role"], url)
    )


async def update_member(session: Session, principal: Principal, member_id: int, data: MemberUpdate) -> dict[str, Any]:
    """Change what was sent. Drop the cache of credentials after commit.

    Raises:
        NotFoundError, OwnRoleError, LastAdminError
        NeverJoinedError: somebody who never accepted cannot become active.
    """
    organization = principal.organization_id
    admins = await queries.lock_admins(session, organization)
    row = await _locked(session, principal, member_id)
    sent = data.model_fields_set
    role = data.role if "role" in sent else MemberRole(row["role"])
    name = data.name if "name" in sent else row["name"]
    status = data.status if "status" in sent else MemberStatus(row["status"])
    if role != row["role"] and row["user_id"] is not None and row["user_id"] == principal.user_id:
        raise OwnRoleError
    if admins == [member_id] and (role is not MemberRole.ADMIN or status is not MemberStatus.ACTIVE):
        raise LastAdminError
    await queries.update(session, organization, member_id, role.value, name)
    await _record_change(session, principal, row, role, name)
    if status != row["status"]:
        await _change_status(session, principal, row, status)
    return await get_member(session, principal, member_id)


async def remove_member(session: Session, principal: Principal, member_id: int) -> None:
    """End the membership, or withdraw the invitation. Drop the cache of credentials after commit.

    Raises:
        NotFoundError, LastAdminError
    """
    admins = await queries.lock_admins(session, principal.organization_id)
    row = await _locked(session, principal, member_id)
    if admins == [member_id]:
        raise LastAdminError
    if row["status"] != MemberStatus.REMOVED:
        await _remove(session, principal, row)


async def _locked(session: Session, principal: Principal, member_id: int) -> Record:
    row = await queries.locked(session, principal.organization_id, member_id)
    if row is None:
        raise not_found(RESOURCE)
    return row


async def _record_change(session: Session, principal: Principal, row: Record, role: MemberRole, name: str) -> None:
    subject = ("team_member", row["id"])
    if role != row["role"]:
        details = {"username": row["username"], "from": row["role"], "to": role.value}
        await audit.record(session, principal, AuditAction.MEMBER_ROLE_CHANGED, subject, details)
    if name != row["name"]:
        await audit.record(session, principal, AuditAction.MEMBER_CHANGED, subject, {"fields": ["name"]})


async def _change_status(session: Session, principal: Principal, row: Record, status: MemberStatus) -> None:
    if status is MemberStatus.REMOVED:
        await _remove(session, principal, row)
        return
    if status is MemberStatus.INVITED or row["user_id"] is None:
        raise NeverJoinedError
    organization = principal.organization_id
    await queries.restore(session, organization, row["id"])
    await queries.end_sessions(session, organization, row["user_id"])  # those from before must not come back to life
    details = {"username": row["username"], "role": row["role"]}
    await audit.record(session, principal, AuditAction.MEMBER_RESTORED, ("team_member", row["id"]), details)


async def _remove(session: Session, principal: Principal, row: Record) -> None:
    organization = principal.organization_id
    await queries.remove(session, organization, row["id"])
    revoked = [] if row["user_id"] is None else await keys.revoke_of(session, organization, row["user_id"])
    details = {"username": row["username"], "role": row["role"], "revoked": revoked}
    await audit.record(session, principal, AuditAction.MEMBER_REMOVED, ("team_member", row["id"]), details)
