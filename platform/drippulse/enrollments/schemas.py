"""What goes in and out of enrollments."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from drippulse.enrollments.tables import EnrollmentStatus


class BulkEnrollment(BaseModel):
    """Contacts to enroll, one run each; also taken inside `enrollment`."""

    model_config = ConfigDict(extra="forbid")

    contacts: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=100_000,
        description="Free-form objects; their fields are what templates and conditions see. Known are email, "
        "first_name, last_name, timezone (this contact's own) and the reference: lead_ref, or the first present of id, "
        "uuid, public_id, crm_id, lead_id. Rows that are no objects are skipped and counted.",
    )
    timezone: str | None = Field(default=None, description="IANA time zone of the contacts; UTC when left out.")
    agent_id: int | None = Field(default=None, description="An agent of the organization to bind.")


class BulkResultOut(BaseModel):
    index: int = Field(description="Place in `contacts`, from 0.")
    status: str = Field(description="enrolled, skipped (the workflow's re-entry rules) or invalid")
    enrollment_id: int | None
    reason: str | None


class BulkOut(BaseModel):
    """What a bulk enrollment made."""

    created_count: int
    enrollment_ids: list[int]
    workflow_id: int
    workflow_version: int = Field(description="The version that these runs stay on.")
    skipped_invalid_rows: int = Field(default=0, description="Present when rows were invalid: how many.")
    skipped_rows: int = Field(default=0, description="Present when re-entry rules kept rows out: how many.")
    results: list[BulkResultOut]


class ContactOut(BaseModel):
    email: str
    first_name: str
    last_name: str
    name: str


class CurrentStepOut(BaseModel):
    index: int
    number: int
    name: str
    type: str


class ProgressOut(BaseModel):
    completed_steps: int
    total_steps: int
    percent: int


class WaitOut(BaseModel):
    waiting: bool
    until: datetime | None
    seconds_remaining: int
    reason: str | None


class LastErrorOut(BaseModel):
    code: str
    message: str
    step_index: int
    at: datetime


class EnrollmentOut(BaseModel):
    """One contact's run through a workflow."""

    id: int
    workflow_id: int
    workflow_version: int
    agent_id: int | None
    lead_ref: str | None
    status: EnrollmentStatus
    current_step_index: int
    attempt: int
    timezone: str
    next_run_at: datetime | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    contact: ContactOut
    current_step: CurrentStepOut | None
    progress: ProgressOut
    wait: WaitOut
    last_error: LastErrorOut | None


class FunnelStepOut(BaseModel):
    """`running_leads` is `active_leads - waiting_leads`; waiting is a `next_run_at` in the future."""

    step_index: int
    step_number: int
    name: str
    type: str
    active_leads: int
    waiting_leads: int
    running_leads: int


class FunnelTotalsOut(BaseModel):
    active: int
    paused: int
    completed: int
    failed: int
    cancelled: int
    total_enrollments: int


class FunnelOtherOut(BaseModel):
    """Active runs on a step of an older version that the newest one does not have."""

    version: int
    step_id: str
    step_index: int
    name: str
    type: str
    active_leads: int
    waiting_leads: int
    running_leads: int


class StepFunnelOut(BaseModel):
    """How many runs stand on each step of the newest version; those on older ones count by the step's id."""

    steps: list[FunnelStepOut]
    other_versions: list[FunnelOtherOut]
    totals: FunnelTotalsOut


class EnrollmentList(BaseModel):
    enrollments: list[EnrollmentOut] = Field(description="The 500 newest, or a page.")
    total: int = Field(description="Runs of the workflow.")
    total_count: int = Field(description="Runs that the filters let through.")
    unknown_sends: int = Field(description="Mails of the workflow whose outcome is unknown and not decided about.")
    step_funnel: StepFunnelOut
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class TimelineEntryOut(BaseModel):
    """One attempt of a step visit. The step an unfinished run is on comes last, without an id."""

    id: int | None
    visit: int
    step_index: int
    step_id: str
    name: str
    type: str
    status: str = Field(description="completed, skipped, failed, retrying, unknown; or waiting, due, running, paused")
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None
    input: Any
    output: Any
    error: Any


class DeliveryOut(BaseModel):
    """One mail of a step visit."""

    id: int
    visit: int
    step_index: int
    step_id: str
    to: str
    subject: str
    message_id: str
    status: str = Field(description="intent, sent, retrying, unknown, failed or suppressed")
    attempts: int
    response: str | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None
    feedback: str | None = Field(description="Reported later: delivered, soft_bounced, bounced, complained, replied.")
    feedback_at: datetime | None


class NurtureEventOut(BaseModel):
    """What a recipient did with a mail; `human` is false for scanners and prefetchers."""

    id: int
    delivery_id: int
    type: str = Field(description="open, click, unsubscribe, bounce or complaint")
    at: datetime
    url: str | None
    human: bool


class LeaseOut(BaseModel):
    held: bool
    until: datetime | None
    fence: int


class RuntimeStateOut(BaseModel):
    bag: dict[str, Any] = Field(description="The contact's fields with the outputs of steps merged in.")
    visits: dict[str, int] = Field(description="Step id -> how often it was visited.")
    next_run_at: datetime | None
    lease: LeaseOut


class EnrollmentDetail(EnrollmentOut):
    """One run with everything that happened to it."""

    timeline: list[TimelineEntryOut]
    deliveries: list[DeliveryOut]
    nurture_events: list[NurtureEventOut]
    runtime_state: RuntimeStateOut
