"""The mutation `createApiKey`."""

from typing import Any

from drippulse.organizations.keys import service
from drippulse.organizations.keys.schemas import ApiKeyCreate, NewApiKeyOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=ApiKeyCreate, answers=NewApiKeyOut, called="api_key")
async def create_api_key(call: Call[ApiKeyCreate]) -> Any:
    """A key never may more than whoever made it. Of the key only the SHA-256 is kept: `key` is told this once."""
    return await service.create_key(call.session, call.principal, call.body)
