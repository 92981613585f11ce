"""Changing one's own password."""

from drippulse.kit.db import Database
from drippulse.organizations.account import queries
from drippulse.organizations.account.errors import SessionRequiredError, WrongPasswordError
from drippulse.organizations.account.schemas import PasswordChange
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.errors import InvalidTokenError
from drippulse.organizations.passwords import hash_password, verify_password
from drippulse.organizations.policy import Principal


async def change_password(
    database: Database, authenticator: Authenticator, principal: Principal, data: PasswordChange, address: str
) -> str:
    """A session token that goes on; every one from before has ended, at once here and within 5 s elsewhere.

    Whoever holds a stolen session guesses no faster here than at the login: the same attempts are counted.

    Raises:
        SessionRequiredError, WrongPasswordError, TooManyLoginsError
    """
    if principal.actor_type != "user":
        raise SessionRequiredError
    organization, user_id = principal.organization_id, principal.actor_id
    async with database.tenant(organization) as session:
        user = await queries.password(session, organization, user_id)
    if user is None:
        raise InvalidTokenError
    await authenticator.throttle.attempt(user["username"], address)
    if not await verify_password(user["password_hash"], data.current_password):
        raise WrongPasswordError
    await authenticator.throttle.succeeded(user["username"], address)
    new = await hash_password(data.new_password)
    async with database.tenant(organization) as session:
        epoch = await queries.set_password(session, organization, user_id, user["password_hash"], new)
        if epoch is None:
            raise WrongPasswordError
        await audit.record(session, principal, AuditAction.PASSWORD_CHANGED, ("user", user_id))
        session.after_commit(authenticator.forget_after_commit)
    return authenticator.issue(user_id, organization, epoch)
