"""Reads of tenancy and credentials."""

from drippulse.kit.db import Record, Session

# A key whose maker is a member no more is nobody's.
KEY = """SELECT k.id, k.organization_id, k.role, k.rate_limit, k.created_by, m.role AS maker_role
FROM api_key k LEFT JOIN membership m
  ON m.organization_id = k.organization_id AND m.user_id = k.created_by AND m.status = 'active'
WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
  AND (k.created_by IS NULL OR m.id IS NOT NULL)"""


async def key_by_hash(session: Session, key_hash: str) -> Record | None:
    """The live key with this SHA-256: id, organization_id, role, rate_limit, created_by, and its maker's role."""
    return await session.fetchrow(KEY, key_hash)


async def member(session: Session, user_id: int, organization_id: int) -> Record | None:
    """A user's standing in an organization: id, username, email, session_epoch, role."""
    return await session.fetchrow(
        """SELECT u.id, u.username, u.email, u.session_epoch, m.role
           FROM membership m JOIN app_user u ON u.id = m.user_id
           WHERE m.user_id = $1 AND m.organization_id = $2 AND m.status = 'active'""",
        user_id,
        organization_id,
    )


async def user_by_name(session: Session, username: str) -> Record | None:
    """A user and the oldest membership: id, username, email, password_hash, session_epoch, organization_id."""
    return await session.fetchrow(
        """SELECT u.id, u.username, u.email, u.password_hash, u.session_epoch, m.organization_id
           FROM app_user u JOIN membership m ON m.user_id = u.id
           WHERE lower(u.username) = lower($1) AND m.status = 'active' ORDER BY m.id LIMIT 1""",
        username,
    )


async def organization_id_by_name(session: Session, name: str) -> int | None:
    return await session.fetchval("SELECT id FROM organization WHERE name = $1", name)


async def username_exists(session: Session, username: str) -> bool:
    return bool(await session.fetchval("SELECT 1 FROM app_user WHERE lower(username) = lower($1)", username))


async def any_organization(session: Session) -> bool:
    return bool(await session.fetchval("SELECT 1 FROM organization LIMIT 1"))
