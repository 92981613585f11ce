"""How the audit log is listed."""

from drippulse.kit import filters
from drippulse.kit.filters import SAME, Operator, exact
from drippulse.kit.listing import Listing
from drippulse.organizations.audit import queries
from drippulse.organizations.audit.actions import AuditAction

LISTING = Listing(
    sorts=queries.LIST.sorts,
    filters={
        "action": filters.choice(AuditAction, "What was done."),
        "actor": filters.text("Who did it, such as user:3 or api_key:9.", operators=SAME),
        "subject": filters.text("What it was done to, such as team_member:4.", operators=SAME),
        "address": filters.text("Where the request came from.", operators=(*SAME, Operator.STARTS_WITH)),
        "at": filters.timestamp("When it was done."),
        "since": exact(filters.timestamp("The same as at[gte].")),
    },
    full_limit=500,
)
