"""The mutation `revokeApiKey`."""

from typing import Any

from drippulse.organizations.keys import service
from drippulse.organizations.keys.schemas import ApiKeyOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.organizations.answers import API_KEY


@mutation(Permission.ADMINISTER, about=API_KEY, answers=ApiKeyOut)
async def revoke_api_key(call: Call[None]) -> Any:
    """Stops working at once here, within 5 seconds on every other process."""
    call.session.after_commit(call.services.authenticator.forget_after_commit)
    return await service.revoke_key(call.session, call.principal, call.id)
