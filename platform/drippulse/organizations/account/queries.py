"""Reads and writes of the account. Every statement names the organization; row-level security is the second net."""

from drippulse.kit.db import Record, Session

ACCOUNT = """SELECT o.id, o.name, o.slug, o.timezone, o.locale, o.branding, o.sender, o.retention, o.paused_at,
  o.graphql_trusted_only, o.created_at, o.updated_at FROM organization o WHERE o.id = $1"""

UPDATE = """UPDATE organization o SET name = $2, slug = $3, timezone = $4, locale = $5,
  graphql_trusted_only = $6, branding = $7, sender = $8, retention = $9, updated_at = now() WHERE o.id = $1"""

# The scheduler reckons anew when a trigger without a time zone of its own fires next.
RESCHEDULE = "UPDATE workflow_schedule SET next_at = NULL WHERE organization_id = $1 AND timezone IS NULL"

USER = """SELECT coalesce(nullif(m.name, ''), u.username) AS name, u.username, u.email
FROM membership m JOIN app_user u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.user_id = $2 AND m.status = 'active'"""
KEY = "SELECT k.name FROM api_key k WHERE k.organization_id = $1 AND k.id = $2"

CREDENTIALS = """SELECT u.username, u.password_hash FROM membership m JOIN app_user u ON u.id = m.user_id
WHERE m.organization_id = $1 AND m.user_id = $2 AND m.status = 'active'"""

# Compare and set: of two changes at once, the second was proven with a password that is no longer the present one.
CHANGE_HASH = """UPDATE app_user SET password_hash = $4, session_epoch = session_epoch + 1
WHERE password_hash = $3 AND id = (
  SELECT user_id FROM membership WHERE organization_id = $1 AND user_id = $2 AND status = 'active')
RETURNING session_epoch"""


async def account(session: Session, organization_id: int, *, lock: bool = False) -> Record | None:
    return await session.fetchrow(f"{ACCOUNT}{' FOR NO KEY UPDATE' if lock else ''}", organization_id)


async def update(session: Session, organization_id: int, *values: str | bool) -> None:
    """The columns of `UPDATE` in their order; parts as JSON texts."""
    await session.execute(UPDATE, organization_id, *values)


async def reschedule(session: Session, organization_id: int) -> None:
    await session.execute(RESCHEDULE, organization_id)


async def user(session: Session, organization_id: int, user_id: int) -> Record | None:
    return await session.fetchrow(USER, organization_id, user_id)


async def key_name(session: Session, organization_id: int, key_id: int) -> str:
    return str(await session.fetchval(KEY, organization_id, key_id) or "")


async def password(session: Session, organization_id: int, user_id: int) -> Record | None:
    return await session.fetchrow(CREDENTIALS, organization_id, user_id)


async def set_password(session: Session, organization_id: int, user_id: int, stored: str, new: str) -> int | None:
    """The epoch that sessions have from now on; None when `stored` is not the present hash any more."""
    return await session.fetchval(CHANGE_HASH, organization_id, user_id, stored, new)
