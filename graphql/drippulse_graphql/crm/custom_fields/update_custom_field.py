"""The mutation `updateCrmCustomField`."""

from typing import Any

from drippulse.crm.custom_fields import service
from drippulse.crm.custom_fields.schemas import CustomFieldOut, CustomFieldUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import CUSTOM_FIELD
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CUSTOM_FIELD, body=CustomFieldUpdate, answers=CustomFieldOut)
async def update_crm_custom_field(call: Call[CustomFieldUpdate]) -> Any:
    """Fields left out stay as they are. Key, type and record type never change; values that records have stay."""
    return await service.update_custom_field(call.session, call.principal, call.id, call.body)
