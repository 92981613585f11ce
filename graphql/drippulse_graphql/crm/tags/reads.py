"""Reads of tags."""

from typing import Any

from drippulse.crm.tags import service
from drippulse.crm.tags.listing import LISTING
from drippulse.crm.tags.schemas import TagList
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=TagList, covers=("listCrmTags",))
async def tags(call: Reading) -> Any:
    """Every tag that a record has, by name, with how many records of each type have it. Deleted records do
    not count."""
    return await service.list_tags(call.session, call.principal, call.wanted)


READS: tuple[Declared, ...] = (tags,)
