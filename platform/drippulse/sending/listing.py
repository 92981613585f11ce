"""How suppressed addresses are listed."""

from drippulse.kit.filters import choice, integer, text, timestamp
from drippulse.kit.listing import Listing
from drippulse.sending import suppressions

REASONS = ("unsubscribe", "bounce", "complaint", "manual")
LISTING = Listing(
    suppressions.SORTS,
    {
        "email": text("The address, in lower case."),
        "reason": choice(REASONS, "Only those with this reason."),
        "enrollment_id": integer("The run whose mail led to it."),
        "created_at": timestamp("Since when it is on the list."),
    },
    search="Text in the address.",
    full_limit=500,
)
