"""The mutation `deleteCrmLeadForm`."""

from typing import Any

from drippulse.lead_forms import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.lead_forms.answers import LEAD_FORM


@mutation(Permission.WRITE, about=LEAD_FORM)
async def delete_crm_lead_form(call: Call[None]) -> Any:
    """The form goes with its submissions; the leads stay. Pause it to keep them."""
    await service.delete_lead_form(call.session, call.principal, call.id)
