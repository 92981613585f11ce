"""Reads of custom fields."""

from typing import Any

from drippulse.crm.custom_fields import service
from drippulse.crm.custom_fields.listing import LISTING
from drippulse.crm.custom_fields.schemas import CustomFieldList, CustomFieldOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import CUSTOM_FIELD
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=CustomFieldList, covers=("listCrmCustomFields",))
async def custom_fields(call: Reading) -> Any:
    """All definitions, newest first."""
    return await service.list_custom_fields(call.session, call.principal, call.wanted)


@read(Permission.READ, about=CUSTOM_FIELD, answers=CustomFieldOut, covers=("getCrmCustomField",))
async def custom_field(call: Reading) -> Any:
    """One definition; null for unknown ids."""
    return await service.get_custom_field(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (custom_fields, custom_field)
