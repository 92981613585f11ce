"""How stalls are listed."""

from drippulse.kit.filters import choice, exact
from drippulse.kit.listing import Listing
from drippulse.stalls import queries, service

LISTING = Listing(
    queries.SORTS,
    {"status": exact(choice(service.STATUSES, "Only open or only resolved ones."))},
    full_limit=service.LIST_LIMIT,
)
