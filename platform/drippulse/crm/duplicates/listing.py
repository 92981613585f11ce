"""How groups of duplicates are listed."""

from drippulse.crm.duplicates.state import REASONS
from drippulse.crm.duplicates.tables import Reason
from drippulse.kit.filters import Kind, choice, exact
from drippulse.kit.listing import Listing
from drippulse.kit.pagination import Sort

LISTING = Listing(
    {"created_at": Sort("key", Kind.TEXT)},
    {
        "record_type": exact(choice(tuple(REASONS), "What is compared; contacts unless told.")),
        "reason": exact(choice(Reason, "Only groups that have this in common.")),
    },
    full_limit=50,
)
