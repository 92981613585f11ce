"""Reads and writes of team members. Every statement names the organization; row-level security is the second net."""

from datetime import timedelta
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

COLUMNS = """m.id, m.user_id, m.role, m.status, m.name, coalesce(m.email, u.email) AS email, u.username,
m.invited_by_type, m.invited_by_id, m.invited_at, m.token_expires_at, m.accepted_at, m.removed_at, m.created_at,
m.updated_at"""
FROM = "FROM membership m LEFT JOIN app_user u ON u.id = m.user_id WHERE m.organization_id = $1"

LIST = Source(
    name="team_members",
    columns=COLUMNS,
    source=FROM,
    key="m.id",
    sorts={
        "created_at": "m.id",
        "username": Sort("lower(u.username)", Kind.TEXT),
        "role": Sort("m.role", Kind.TEXT),
        "status": Sort("m.status", Kind.TEXT),
    },
    filters={"status": "m.status", "role": "m.role", "created_at": "m.created_at"},
    searched="concat_ws(' ', u.username, m.name)",
)

# In one order, so that two who change Admins at once wait for each other and see what the first has done.
ADMINS = """SELECT id FROM membership WHERE organization_id = $1 AND role = 'Admin' AND status = 'active'
ORDER BY id FOR UPDATE"""
LOCK = "SELECT id FROM membership WHERE organization_id = $1 AND id = $2 FOR UPDATE"

TAKEN = """SELECT m.status FROM membership m LEFT JOIN app_user u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.status <> 'removed' AND (m.email_key = $2 OR lower(u.email) = lower($3)) LIMIT 1"""

INVITE = """INSERT INTO membership (organization_id, role, status, name, email, email_key, token_hash,
  token_expires_at, invited_by_type, invited_by_id, invited_at)
VALUES ($1, $2, 'invited', $3, $4, $5, $6, now() + $7::interval, $8, $9, now())
ON CONFLICT (organization_id, email_key) WHERE status = 'invited' DO NOTHING RETURNING id"""

RENEW = """UPDATE membership SET token_hash = $3, token_expires_at = now() + $4::interval, invited_at = now(),
  updated_at = now() WHERE organization_id = $1 AND id = $2"""

UPDATE = """UPDATE membership SET role = $3, name = $4, updated_at = now() WHERE organization_id = $1 AND id = $2"""

REMOVE = """UPDATE membership SET status = 'removed', token_hash = NULL, token_expires_at = NULL, removed_at = now(),
  updated_at = now() WHERE organization_id = $1 AND id = $2"""

RESTORE = """UPDATE membership SET status = 'active', removed_at = NULL, updated_at = now()
WHERE organization_id = $1 AND id = $2"""

END_SESSIONS = """UPDATE app_user SET session_epoch = session_epoch + 1 WHERE id = (
  SELECT user_id FROM membership WHERE organization_id = $1 AND user_id = $2) RETURNING session_epoch"""

INVITER = """SELECT coalesce(nullif(m.name, ''), u.username) FROM membership m JOIN app_user u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.user_id = $2"""
ORGANIZATION = """SELECT coalesce(nullif(branding ->> 'public_name', ''), name) FROM organization WHERE id = $1"""


async def by_id(session: Session, organization_id: int, member_id: int) -> Record | None:
    if not is_id(member_id):
        return None
    return await session.fetchrow(f"SELECT {COLUMNS} {FROM} AND m.id = $2", organization_id, member_id)


async def locked(session: Session, organization_id: int, member_id: int) -> Record | None:
    """The same, and nobody else changes the member until this transaction ends."""
    if not is_id(member_id):
        return None
    await session.execute(LOCK, organization_id, member_id)
    return await by_id(session, organization_id, member_id)


async def lock_admins(session: Session, organization_id: int) -> list[int]:
    """The members who are Admins, and nobody changes them until this transaction ends."""
    return [row["id"] for row in await session.fetch(ADMINS, organization_id)]


async def taken(session: Session, organization_id: int, email_key: str, email: str) -> str | None:
    """The status of the member who has this address."""
    return await session.fetchval(TAKEN, organization_id, email_key, email)


async def invite(session: Session, organization_id: int, *values: Any) -> int | None:
    """The new member's id, or None when somebody else has just invited the address. The columns of `INVITE`."""
    return await session.fetchval(INVITE, organization_id, *values)


async def renew(session: Session, organization_id: int, member_id: int, token_hash: str, lasts: timedelta) -> None:
    await session.execute(RENEW, organization_id, member_id, token_hash, lasts)


async def update(session: Session, organization_id: int, member_id: int, role: str, name: str) -> None:
    await session.execute(UPDATE, organization_id, member_id, role, name)


async def remove(session: Session, organization_id: int, member_id: int) -> None:
    await session.execute(REMOVE, organization_id, member_id)


async def restore(session: Session, organization_id: int, member_id: int) -> None:
    await session.execute(RESTORE, organization_id, member_id)


async def end_sessions(session: Session, organization_id: int, user_id: int) -> int:
    """No session of this user lasts; the epoch that new ones have."""
    return int(await session.fetchval(END_SESSIONS, organization_id, user_id))


async def inviter(session: Session, organization_id: int, user_id: int | None) -> str | None:
    return None if user_id is None else await session.fetchval(INVITER, organization_id, user_id)


async def organization_name(session: Session, organization_id: int) -> str:
    """What people outside know it by."""
    return str(await session.fetchval(ORGANIZATION, organization_id))
