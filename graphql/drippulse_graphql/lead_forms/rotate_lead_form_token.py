"""The mutation `rotateCrmLeadFormToken`."""

from typing import Any

from drippulse.lead_forms import service
from drippulse.lead_forms.schemas import LeadFormOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.lead_forms.answers import LEAD_FORM


@mutation(Permission.WRITE, about=LEAD_FORM, answers=LeadFormOut)
async def rotate_crm_lead_form_token(call: Call[None]) -> Any:
    """The old address stops working at once."""
    return await service.rotate_token(call.session, call.principal, call.id, call.services.settings.public_url)
