"""Reads of lead forms and what was sent through them."""

from typing import Any

from drippulse.lead_forms import service
from drippulse.lead_forms.listing import LISTING, SUBMISSIONS
from drippulse.lead_forms.schemas import LeadFormList, LeadFormOut, SubmissionList
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.lead_forms.answers import LEAD_FORM


@read(Permission.READ, listing=LISTING, answers=LeadFormList, covers=("listCrmLeadForms",))
async def lead_forms(call: Reading) -> Any:
    """All forms, newest first."""
    return await service.list_lead_forms(call.session, call.principal, call.wanted, call.services.settings.public_url)


@read(Permission.READ, about=LEAD_FORM, answers=LeadFormOut, covers=("getCrmLeadForm",))
async def lead_form(call: Reading) -> Any:
    """One form, with its address and how often it was sent; null for unknown ids."""
    return await service.get_lead_form(call.session, call.principal, call.id, call.services.settings.public_url)


@read(
    Permission.READ,
    about=LEAD_FORM,
    by="lead_form_id",
    listing=SUBMISSIONS,
    answers=SubmissionList,
    covers=("listCrmLeadFormSubmissions",),
)
async def lead_form_submissions(call: Reading) -> Any:
    """Newest first, each with its lead, what was agreed to, and its enrollment or why there is none."""
    return await service.list_submissions(call.session, call.principal, call.id, call.wanted)


READS: tuple[Declared, ...] = (lead_forms, lead_form, lead_form_submissions)
