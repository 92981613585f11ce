"""The mutation `deleteCrmCustomField`."""

from typing import Any

from drippulse.crm.custom_fields import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import CUSTOM_FIELD
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CUSTOM_FIELD)
async def delete_crm_custom_field(call: Call[None]) -> Any:
    """The definition goes; values stay in the records, to be found again when the key is defined again."""
    await service.delete_custom_field(call.session, call.principal, call.id)
