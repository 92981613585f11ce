"""The mutation `convertCrmLead`."""

from typing import Any

from drippulse.crm.conversion import service
from drippulse.crm.conversion.schemas import ConversionOut, LeadConversion
from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import SUBJECTS
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=SUBJECTS[RecordType.LEAD], body=LeadConversion, answers=ConversionOut)
async def convert_crm_lead(call: Call[LeadConversion]) -> Any:
    """Makes an account, a contact and an opportunity of the lead, in one changeset. An account with the domain or
    the name of the lead's company is used instead of a new one, and so is a contact with its address. Reverting the
    changeset undoes it."""
    return await service.convert_lead(call.session, call.principal, call.id, call.body)
