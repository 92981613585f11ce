"""How team members are listed."""

from drippulse.kit import filters
from drippulse.kit.listing import Listing
from drippulse.organizations.members import queries
from drippulse.organizations.tables import MemberRole, MemberStatus

LISTING = Listing(
    sorts=queries.LIST.sorts,
    filters={
        "status": filters.choice(MemberStatus, "invited, active or removed."),
        "role": filters.choice(MemberRole, "What members may do."),
        "created_at": filters.timestamp("When they were invited or made."),
    },
    search="Usernames and names.",
)
