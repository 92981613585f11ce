"""The mutations of the CRM."""

from drippulse_graphql.crm.conversion.mutations import MUTATIONS as CONVERSION
from drippulse_graphql.crm.custom_fields.mutations import MUTATIONS as CUSTOM_FIELDS
from drippulse_graphql.crm.history.mutations import MUTATIONS as HISTORY
from drippulse_graphql.crm.imports.mutations import MUTATIONS as IMPORTS
from drippulse_graphql.crm.pipelines.mutations import MUTATIONS as PIPELINES
from drippulse_graphql.crm.records.mutations import MUTATIONS as RECORDS
from drippulse_graphql.crm.tags.mutations import MUTATIONS as TAGS
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    *RECORDS,
    *CONVERSION,
    *CUSTOM_FIELDS,
    *HISTORY,
    *IMPORTS,
    *PIPELINES,
    *TAGS,
)
