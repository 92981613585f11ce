"""The mutations of this feature."""

from drippulse_graphql.crm.tags.delete_tag import delete_crm_tag
from drippulse_graphql.crm.tags.rename_tag import rename_crm_tag
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    rename_crm_tag,
    delete_crm_tag,
)
