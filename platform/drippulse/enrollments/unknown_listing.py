"""How sends of unknown outcome are listed."""

from drippulse.enrollments import unknown_sends
from drippulse.kit.listing import Listing

LISTING = Listing(unknown_sends.SORTS, full_limit=unknown_sends.LIST_LIMIT)
