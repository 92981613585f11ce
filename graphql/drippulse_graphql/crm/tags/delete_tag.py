"""The mutation `deleteCrmTag`."""

from typing import Any

from pydantic import Field

from drippulse.crm.tags import service
from drippulse.crm.tags.schemas import TagChanged
from drippulse.kit.validation import Input
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


class DeleteTag(Input):
    """Which tag."""

    tag: str = Field(description="Its present name.")


@mutation(Permission.WRITE, body=DeleteTag, answers=TagChanged, called="tag")
async def delete_crm_tag(call: Call[DeleteTag]) -> Any:
    """Takes it away from all records of all types, in one changeset."""
    return await service.delete_tag(call.session, call.principal, call.body.tag)
