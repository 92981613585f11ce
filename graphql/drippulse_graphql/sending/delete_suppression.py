"""The mutation `deleteSuppression`."""

from typing import Any

from pydantic import BaseModel, Field

from drippulse.kit.validation import Input
from drippulse.organizations.policy import Permission
from drippulse.sending import suppressions
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


class SuppressedAddress(Input):
    """Which address."""

    email: str = Field(description="The address.")


class ReleasedAddress(BaseModel):
    """An address that gets mail again."""

    email: str


@mutation(Permission.WRITE, body=SuppressedAddress, answers=ReleasedAddress)
async def delete_suppression(call: Call[SuppressedAddress]) -> Any:
    """Takes an address off the list, so that it gets mail again; answers the same when it was not there."""
    await suppressions.remove(call.session, call.principal, call.body.email)
    return {"email": call.body.email}
