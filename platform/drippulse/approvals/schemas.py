"""What goes in and out of approvals."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from drippulse.approvals.tables import ApprovalStatus
from drippulse.kit.validation import Input

READ_ONLY = frozenset({"id", "workflow_id", "enrollment_id", "step_id", "status", "role", "message", "created_at"})
"""Fields of an answer that a client may echo back; they are ignored."""


class Decision(Input):
    """Yes or no."""

    decision: Literal["approve", "reject"] = Field(description="approve or reject.")
    note: Annotated[str, StringConstraints(max_length=10_000)] = Field(
        default="", description="Why; kept with the approval and in the contact's data."
    )
    output: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Edits: members that are merged into the contact's data."
    )


class ApprovalActor(BaseModel):
    type: str = Field(description="user, api_key, workflow or system.")
    id: int | None


class ApprovalContact(BaseModel):
    lead_ref: str | None
    email: str
    first_name: str
    last_name: str


class ApprovalOut(BaseModel):
    """A question that a run waits on, and what became of it."""

    id: int
    workflow_id: int
    enrollment_id: int
    step_id: str
    status: ApprovalStatus
    role: str = Field(description="The least role that decides.")
    message: str
    contact: ApprovalContact
    held: bool = Field(description="The run is paused: a decision is kept and takes effect when it goes on.")
    requested_by: ApprovalActor | None
    due_at: datetime | None = Field(description="When it expires; null for never.")
    decided_by: ApprovalActor | None
    decided_at: datetime | None
    note: str
    output: dict[str, Any]
    created_at: datetime


class ApprovalList(BaseModel):
    approvals: list[ApprovalOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
