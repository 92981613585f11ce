"""The mutations of this feature."""

from drippulse_graphql.crm.custom_fields.create_custom_field import create_crm_custom_field
from drippulse_graphql.crm.custom_fields.delete_custom_field import delete_crm_custom_field
from drippulse_graphql.crm.custom_fields.update_custom_field import update_crm_custom_field
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    create_crm_custom_field,
    update_crm_custom_field,
    delete_crm_custom_field,
)
