"""How pipelines are listed."""

from uuid import UUID

from drippulse.crm.pipelines import listing_queries
from drippulse.kit.listing import Listing

LISTING = Listing(listing_queries.SORTS, key=UUID)
