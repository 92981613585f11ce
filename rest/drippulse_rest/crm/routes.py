"""Every route below `/crm`."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from drippulse_rest.crm.bulk import ROUTES as BULK
from drippulse_rest.crm.bundles import ROUTES as BUNDLES
from drippulse_rest.crm.changes import ROUTES as CHANGES
from drippulse_rest.crm.conversion import ROUTES as CONVERSION
from drippulse_rest.crm.custom_fields import ROUTES as CUSTOM_FIELDS
from drippulse_rest.crm.duplicates import ROUTES as DUPLICATES
from drippulse_rest.crm.importing import ROUTES as IMPORTS
from drippulse_rest.crm.lists import ROUTES as LISTS
from drippulse_rest.crm.merging import ROUTES as MERGING
from drippulse_rest.crm.pipelines import ROUTES as PIPELINES
from drippulse_rest.crm.records import ROUTES as RECORDS
from drippulse_rest.crm.tags import ROUTES as TAGS

ROUTES: Sequence[HTTPRouteHandler] = (
    *LISTS,
    *RECORDS,
    *BULK,
    *TAGS,
    *CONVERSION,
    *DUPLICATES,
    *MERGING,
    *PIPELINES,
    *BUNDLES,
    *IMPORTS,
    *CHANGES,
    *CUSTOM_FIELDS,
)
