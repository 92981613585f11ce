"""How mail templates are listed."""

from drippulse.kit.listing import Listing

LISTING = Listing({"created_at": "t.id"})
