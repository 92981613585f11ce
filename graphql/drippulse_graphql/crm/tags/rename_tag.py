"""The mutation `renameCrmTag`."""

from typing import Any

from pydantic import Field

from drippulse.crm.tags import service
from drippulse.crm.tags.schemas import TagChanged, TagUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


class RenameTag(TagUpdate):
    """Which tag, and its new name."""

    tag: str = Field(description="Its present name.")


@mutation(Permission.WRITE, body=RenameTag, answers=TagChanged, called="tag")
async def rename_crm_tag(call: Call[RenameTag]) -> Any:
    """Renames it in all records of all types, in one changeset. With the name of another tag the two become one.
    More than 10,000 records are changed in the background."""
    return await service.rename_tag(call.session, call.principal, call.body.tag, call.body.name)
