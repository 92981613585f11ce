"""How lead forms and what is sent through them are listed."""

from drippulse.kit.filters import choice, text, timestamp
from drippulse.kit.listing import Listing
from drippulse.lead_forms import queries
from drippulse.lead_forms.tables import FormStatus

LISTING = Listing(
    queries.LIST.sorts,
    {"status": choice(FormStatus, "Only forms of this status."), "name": text("The name.")},
    search="Names and titles.",
)
SUBMISSIONS = Listing({"created_at": "s.id"}, {"created_at": timestamp("When it was sent.")})
