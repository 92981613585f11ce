"""The mutations of this feature."""

from drippulse_graphql.crm.history.dismiss_duplicates import dismiss_crm_duplicates
from drippulse_graphql.crm.history.revert_changeset import revert_crm_changeset
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    revert_crm_changeset,
    dismiss_crm_duplicates,
)
