"""What accepting an invitation reads and writes. Who accepts belongs to no organization yet: AUTH looks, APP writes."""

from drippulse.kit.db import Record, Session

INVITATION = """SELECT organization_id, token_expires_at <= now() AS expired FROM membership
WHERE token_hash = $1 AND status = 'invited'"""

USER = """SELECT u.id, u.username, u.password_hash,
  EXISTS (SELECT FROM membership m WHERE m.user_id = u.id AND m.status = 'active') AS belongs
FROM app_user u WHERE lower(u.username) = lower($1)"""

LOCKED = """SELECT id, role, email FROM membership
WHERE organization_id = $1 AND token_hash = $2 AND status = 'invited' AND token_expires_at > now() FOR UPDATE"""

DROP_FORMER = "DELETE FROM membership WHERE organization_id = $1 AND user_id = $2 AND status = 'removed'"

JOIN = """UPDATE membership SET user_id = $3, status = 'active', token_hash = NULL, token_expires_at = NULL,
  accepted_at = now(), updated_at = now() WHERE organization_id = $1 AND id = $2"""

COME_BACK = """UPDATE app_user SET session_epoch = session_epoch + 1, email = $3 WHERE id = (
  SELECT user_id FROM membership WHERE organization_id = $1 AND user_id = $2)"""


async def invitation(session: Session, token_hash: str) -> Record | None:
    """organization_id, expired."""
    return await session.fetchrow(INVITATION, token_hash)


async def user(session: Session, username: str) -> Record | None:
    """id, username, password_hash, and whether they belong to any organization."""
    return await session.fetchrow(USER, username)


async def locked_invitation(session: Session, organization_id: int, token_hash: str) -> Record | None:
    """id, role, email; nobody else uses it until this transaction ends."""
    return await session.fetchrow(LOCKED, organization_id, token_hash)


async def make_user(session: Session, username: str, email: str | None, password_hash: str) -> int:
    """Without RETURNING: the policy shows a user only once there is a membership."""
    user_id = int(await session.fetchval("SELECT nextval('app_user_id_seq')"))
    await session.execute(
        "INSERT INTO app_user (id, username, email, password_hash) VALUES ($1, $2, $3, $4)",
        user_id,
        username,
        email,
        password_hash,
    )
    return user_id


async def drop_former(session: Session, organization_id: int, user_id: int) -> None:
    """A user has one membership in an organization; the audit log knows of the one before."""
    await session.execute(DROP_FORMER, organization_id, user_id)


async def join(session: Session, organization_id: int, member_id: int, user_id: int) -> None:
    await session.execute(JOIN, organization_id, member_id, user_id)


async def come_back(session: Session, organization_id: int, user_id: int, email: str | None) -> None:
    """Sessions from before must not come back to life."""
    await session.execute(COME_BACK, organization_id, user_id, email)
