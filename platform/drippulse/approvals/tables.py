"""The table of approvals."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class ApprovalStatus(StrEnum):
    """Open, then exactly one of the others. Expired: its time ran out. Cancelled: its run ended or went elsewhere."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Approval(Table, tablename="approval", db=DB):
    """One visit of an enrollment to an approval step.

    An open row whose run has ended or left the step counts as cancelled, whatever `status` says until it is tidied up.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    workflow_id = BigInt()
    enrollment_id = BigInt()
    visit = Integer()
    step_id = Text()
    role = Text(help_text="the least role that decides: Approver or Admin")
    message = Text(help_text="rendered when the step was reached")
    status = Text(default=ApprovalStatus.OPEN, choices=ApprovalStatus)
    requested_by_type = Text(null=True, default=None, help_text="who enrolled the contact: user, api_key, workflow, …")
    requested_by_id = BigInt(null=True, default=None)
    due_at = Timestamptz(null=True, default=None, help_text="when it expires; null for never")
    decided_by_type = Text(null=True, default=None)
    decided_by_id = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    note = Text(default="")
    output = JSONB(default="{}", help_text="what the decision adds to the contact's data")
    created_at = Timestamptz(default=TimestamptzNow())
