"""How approvals are listed."""

from drippulse.approvals import queries, service
from drippulse.approvals.tables import ApprovalStatus
from drippulse.kit.filters import choice, integer, text, timestamp
from drippulse.kit.listing import Listing

LISTING = Listing(
    queries.SORTS,
    {
        "status": choice(ApprovalStatus, "Only open, approved, rejected, expired or cancelled ones."),
        "workflow_id": integer("Only those of this workflow."),
        "enrollment_id": integer("Only those of this run."),
        "role": text("The role that may decide."),
        "due_at": timestamp("Until when it is to be decided."),
        "decided_at": timestamp("When it was decided."),
        "created_at": timestamp("When it was asked for."),
    },
    full_limit=service.LIST_LIMIT,
)
