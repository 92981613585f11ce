"""The mutation `updateCrmLeadForm`."""

from typing import Any

from drippulse.lead_forms import service
from drippulse.lead_forms.schemas import LeadFormOut, LeadFormUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.lead_forms.answers import LEAD_FORM


@mutation(Permission.WRITE, about=LEAD_FORM, body=LeadFormUpdate, answers=LeadFormOut)
async def update_crm_lead_form(call: Call[LeadFormUpdate]) -> Any:
    """Fields left out stay as they are; `fields` is replaced as a whole."""
    return await service.update_lead_form(
        call.session, call.principal, call.id, call.body, call.services.settings.public_url
    )
