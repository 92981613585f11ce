"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.lead_forms.create_lead_form import create_crm_lead_form
from drippulse_graphql.lead_forms.delete_lead_form import delete_crm_lead_form
from drippulse_graphql.lead_forms.rotate_lead_form_token import rotate_crm_lead_form_token
from drippulse_graphql.lead_forms.update_lead_form import update_crm_lead_form

MUTATIONS: tuple[Declared, ...] = (
    create_crm_lead_form,
    update_crm_lead_form,
    delete_crm_lead_form,
    rotate_crm_lead_form_token,
)
