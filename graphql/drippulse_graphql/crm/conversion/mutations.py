"""The mutations of this feature."""

from drippulse_graphql.crm.conversion.convert_lead import convert_crm_lead
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (convert_crm_lead,)
