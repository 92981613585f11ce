"""The mutation `createCrmCustomField`."""

from typing import Any

from drippulse.crm.custom_fields import service
from drippulse.crm.custom_fields.schemas import CustomFieldCreate, CustomFieldOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=CustomFieldCreate, answers=CustomFieldOut)
async def create_crm_custom_field(call: Call[CustomFieldCreate]) -> Any:
    """From now on records of the type take a value under this key in `customFields`, and no other than of this type."""
    return await service.create_custom_field(call.session, call.principal, call.body)
