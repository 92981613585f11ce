"""What goes in and out of pausing, resuming, cancelling, retrying and deciding."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from drippulse.enrollments.actions import Action
from drippulse.enrollments.holding import ResumePolicy
from drippulse.kit.validation import Input, Trimmed

MAX_IDS = 100_000
REMAINING = (
    "Runs that a pause or resume may still have to come to; it goes on by itself. A pause is in force before: nothing "
    "of it runs any more."
)

ExitReason = Annotated[str, Trimmed(200)]


class Nothing(Input):
    """An empty body."""


class Cancel(Input):
    reason: ExitReason = Field(default="cancelled", description="Kept as exit_reason and in the event.")


class Resolve(Input):
    """The decision about a send whose outcome is unknown."""

    action: Literal["resend", "skip"] = Field(
        description="resend makes the same step again with fresh attempts; skip goes on with the next step."
    )


class ActionFilter(Input):
    """Which runs of the workflow; all that is said must hold."""

    ids: list[int] | None = Field(default=None, max_length=MAX_IDS)
    status: str | None = Field(default=None, description="active, paused, completed, failed or cancelled")
    step_index: int | None = Field(default=None, ge=0, le=10_000)
    step_id: str | None = Field(default=None, max_length=100)
    lead_ref: str | None = Field(default=None, max_length=500)
    q: str | None = Field(default=None, max_length=500, description="Text in the e-mail, the name or the reference.")
    wait_reason: str | None = Field(default=None, max_length=100, description="As in `wait.reason` of a run.")
    error_code: str | None = Field(default=None, max_length=100, description="As in `last_error.code` of a run.")
    version: int | None = Field(default=None, ge=1, le=2_147_483_647, description="Of the workflow.")


class BulkAction(ResumePolicy):
    """One action for many runs, with the resume policy for `resume`."""

    action: Annotated[Action, Field(strict=False)] = Field(description="pause, resume, cancel, retry, resend or skip")
    filter: ActionFilter = Field(default_factory=ActionFilter)
    all: bool = Field(default=False, description="Needed when the filter is empty: yes, every run of the workflow.")
    dry_run: bool = Field(default=False, description="Only count what would be changed.")
    reason: ExitReason = Field(default="cancelled", description="For cancel: kept as exit_reason.")


class ActionResultOut(BaseModel):
    enrollment_id: int
    status: str = Field(description="changed or skipped")
    reason: str | None = Field(description="Why it was skipped, such as enrollment_finished.")


class SkippedOut(BaseModel):
    reason: str
    count: int


class BulkActionOut(BaseModel):
    """What became of a bulk action."""

    action: str
    dry_run: bool
    matched: int = Field(description="Runs that the filter let through.")
    changed: int = Field(description="Of them, those that were changed, or would be in a dry run.")
    skipped: list[SkippedOut]
    results: list[ActionResultOut] = Field(description="One a run, for the first 1,000.")


class HeldOut(BaseModel):
    """How many unfinished runs each hold keeps; a run may have several."""

    paused: int = Field(description="By a pause of their own.")
    step_paused: int
    workflow_paused: int
    organization_paused: int


class WorkflowHoldsOut(BaseModel):
    """What is paused about a workflow."""

    workflow_id: int
    status: str
    organization_paused: bool
    paused_steps: list[str] = Field(description="Ids of steps that hold whoever comes to them.")
    held: HeldOut
    changed: int = Field(description="Runs that this call holds or lets go.")
    remaining: int = Field(description=REMAINING)


class OrganizationHoldsOut(BaseModel):
    """Whether all runs of the organization are held."""

    paused: bool
    paused_at: str | None
    held: HeldOut
    changed: int = Field(description="Runs that this call holds or lets go.")
    remaining: int = Field(description=REMAINING)
