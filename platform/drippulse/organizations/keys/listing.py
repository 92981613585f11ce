"""How API keys are listed."""

from drippulse.kit import filters
from drippulse.kit.listing import Listing
from drippulse.organizations.keys import queries
from drippulse.organizations.tables import MemberRole

LISTING = Listing(
    sorts=queries.LIST.sorts,
    filters={
        "status": filters.choice(("active", "expired", "revoked"), "active, expired or revoked."),
        "role": filters.choice(MemberRole, "The role it was made for."),
        "created_at": filters.timestamp("When it was made."),
        "expires_at": filters.timestamp("When it stops working."),
        "last_used_at": filters.timestamp("When it was last used, a few seconds late."),
    },
    search="Names.",
)
