"""How tags are listed."""

from uuid import UUID

from drippulse.crm.tags import queries
from drippulse.kit.listing import Listing

LISTING = Listing(queries.LIST.sorts, search="Part of a name.", full_limit=500, key=UUID, order="name")
