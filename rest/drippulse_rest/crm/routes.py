"""Every route below `/crm`."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from drippulse_rest.crm.bundles import ROUTES as BUNDLES
from drippulse_rest.crm.changes import ROUTES as CHANGES
from drippulse_rest.crm.custom_fields import ROUTES as CUSTOM_FIELDS
from drippulse_rest.crm.importing import ROUTES as IMPORTS
from drippulse_rest.crm.lists import ROUTES as LISTS
from drippulse_rest.crm.pipelines import ROUTES as PIPELINES
from drippulse_rest.crm.records import ROUTES as RECORDS

ROUTES: Sequence[HTTPRouteHandler] = (
    *LISTS,
    *RECORDS,
    *PIPELINES,
    *BUNDLES,
    *IMPORTS,
    *CHANGES,
    *CUSTOM_FIELDS,
)
