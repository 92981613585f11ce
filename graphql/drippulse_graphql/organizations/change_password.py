"""The mutation `changePassword`."""

from typing import Any

from drippulse.organizations.account.passwords import change_password as change
from drippulse.organizations.account.schemas import PasswordChange, PasswordChangedOut
from drippulse.organizations.origin import current_origin
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.READ, body=PasswordChange, answers=PasswordChangedOut, called="session", apart=True)
async def change_password(call: Call[PasswordChange]) -> Any:
    """For whoever is logged in; API keys have none. Every session ends, this one too: go on with the token of the
    answer."""
    services, address = call.services, current_origin().address
    token = await change(services.database, services.authenticator, call.principal, call.body, address)
    return {"token": token}
