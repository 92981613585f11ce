"""The mutation `createCrmLeadForm`."""

from typing import Any

from drippulse.lead_forms import service
from drippulse.lead_forms.schemas import LeadFormFields, LeadFormOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=LeadFormFields, answers=LeadFormOut)
async def create_crm_lead_form(call: Call[LeadFormFields]) -> Any:
    """The form is online at once, at `url`. What is sent there makes a lead or changes the one with the same
    address."""
    return await service.create_lead_form(call.session, call.principal, call.body, call.services.settings.public_url)
