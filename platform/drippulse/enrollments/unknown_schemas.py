"""What goes in and out of deciding about mails whose outcome is unknown."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drippulse.enrollments.control_schemas import MAX_IDS, SkippedOut
from drippulse.kit.ids import MAX_ID
from drippulse.kit.schema_rules import NULL, either
from drippulse.kit.validation import Input


class Decision(StrEnum):
    RESEND = "resend"
    DISMISS = "dismiss"


class ResolveUnknown(Input):
    """One decision for many mails: those named, those of a step, or all of the workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["all"], "properties": {"all": {"const": True}}},
            "then": {"properties": {"delivery_ids": NULL, "step_id": NULL}},
            "else": either("delivery_ids", "step_id"),
        }
    )

    action: Annotated[Decision, Field(strict=False)] = Field(
        description="resend sends them once more, under the rules that hold for every mail; dismiss lets them be."
    )
    delivery_ids: list[Annotated[int, Field(ge=1, le=MAX_ID)]] | None = Field(
        default=None, min_length=1, max_length=MAX_IDS
    )
    step_id: str | None = Field(default=None, max_length=100, description="All of this step.")
    all: bool = Field(default=False, description="All of the workflow.")
    dry_run: bool = Field(default=False, description="Only count what would be done.")

    @model_validator(mode="after")
    def _says_which(self) -> "ResolveUnknown":
        if (self.delivery_ids is not None) + (self.step_id is not None) + self.all != 1:
            raise ValueError('say which mails in one way: "delivery_ids", "step_id", or "all": true')
        return self


class UnknownSendOut(BaseModel):
    """A mail of which nobody knows whether it arrived."""

    delivery_id: int
    enrollment_id: int
    enrollment_status: str
    visit: int
    step_id: str
    step_index: int
    recipient: str
    subject: str
    attempts: int
    since: datetime
    run_waits: bool = Field(description="Whether the run stands on the step and waits for the decision.")


class UnknownSendList(BaseModel):
    unknown_sends: list[UnknownSendOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class ResolveResultOut(BaseModel):
    delivery_id: int
    status: str = Field(description="changed or skipped")
    reason: str | None = Field(
        description="Why it was skipped: delivery_not_found, outcome_known, still_being_sent, enrollment_cancelled, "
        "suppressed."
    )


class ResolveUnknownOut(BaseModel):
    """What became of a decision. A mail that is sent again stays out of the list unless its outcome is unknown anew."""

    action: str
    dry_run: bool
    matched: int
    changed: int = Field(description="Of them, those that were decided, or would be in a dry run.")
    skipped: list[SkippedOut]
    results: list[ResolveResultOut] = Field(description="One a mail, for the first 1,000.")
