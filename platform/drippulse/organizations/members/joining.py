"""Accepting an invitation: the one thing that somebody without an account may do."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from drippulse.events.service import SystemActor
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.errors import UsernameTakenError
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.organizations.members import join_queries as queries
from drippulse.organizations.members.errors import InvitationExpiredError, InvitationNotFoundError
from drippulse.organizations.members.schemas import Acceptance
from drippulse.organizations.passwords import hash_password, verify_password


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who joins: a new user, or one who came back (`user_id`) and needs no new password."""

    username: str
    password_hash: str
    user_id: int | None


async def accept(database: Database, throttle: LoginThrottle, data: Acceptance, address: str) -> dict[str, Any]:
    """Make the user and the membership; the invitation is used up.

    A username whose user belongs to no organization any more can be taken up again with its password.

    Raises:
        TooManyLoginsError: too many attempts with this token or from this address.
        InvitationNotFoundError, InvitationExpiredError, UsernameTakenError
    """
    token_hash = sha256_hex(data.token)
    counted = f"invitation:{token_hash}"
    await throttle.attempt(counted, address)
    async with database.session(Role.AUTH) as session:
        found = await queries.invitation(session, token_hash)
        user = await queries.user(session, data.username)
    if found is None:
        raise InvitationNotFoundError
    if found["expired"]:
        raise InvitationExpiredError
    newcomer = await _newcomer(user, data)
    try:
        async with database.tenant(found["organization_id"]) as session:
            joined = await _join(session, found["organization_id"], token_hash, newcomer)
    except asyncpg.UniqueViolationError:
        raise _taken(data.username) from None
    await throttle.succeeded(counted, address)
    return joined


async def _newcomer(user: Record | None, data: Acceptance) -> Newcomer:
    if user is None:
        return Newcomer(data.username, await hash_password(data.password), None)
    if user["belongs"] or not await verify_password(user["password_hash"], data.password):
        raise _taken(data.username)
    return Newcomer(user["username"], user["password_hash"], user["id"])


async def _join(session: Session, organization_id: int, token_hash: str, newcomer: Newcomer) -> dict[str, Any]:
    """Whoever comes second finds the invitation used."""
    member = await queries.locked_invitation(session, organization_id, token_hash)
    if member is None:
        raise InvitationNotFoundError
    user_id = newcomer.user_id
    if user_id is None:
        user_id = await queries.make_user(session, newcomer.username, member["email"], newcomer.password_hash)
    else:
        await queries.drop_former(session, organization_id, user_id)
    await queries.join(session, organization_id, member["id"], user_id)
    if newcomer.user_id is not None:
        await queries.come_back(session, organization_id, user_id, member["email"])
    details = {"username": newcomer.username, "role": member["role"]}
    actor = SystemActor(organization_id, "user", user_id)
    await audit.record(session, actor, AuditAction.MEMBER_ACCEPTED, ("team_member", member["id"]), details)
    return {
        "id": member["id"],
        "user_id": user_id,
        "username": newcomer.username,
        "role": member["role"],
        "organization_id": organization_id,
    }


def _taken(username: str) -> UsernameTakenError:
    sentence = f"A user {username} exists already; choose another name."
    return UsernameTakenError(sentence, errors={"username": [sentence]})
