"""What a simulation answers. All spans are in seconds."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class SpreadOut(BaseModel):
    """Seconds; null when there is nothing to measure."""

    p50_seconds: float | None
    p95_seconds: float | None


class TotalsOut(BaseModel):
    """Every contact is one of completed, exited, failed, active and not_started."""

    contacts: int
    completed: int = Field(description="Came to the end of the steps.")
    exited: int = Field(description="Left before the end: an exit step, an exit criterion, a goal.")
    failed: int
    active: int = Field(description="Still under way at the horizon.")
    not_started: int = Field(description="Would enter after the horizon.")


class SimulatedStepOut(BaseModel):
    """Visits of one step; a contact that comes twice counts twice."""

    step_index: int
    id: str
    type: str
    name: str
    entered: int
    completed: int
    skipped: int
    failed: int
    waiting: int = Field(description="Contacts that stand here at the horizon.")
    contacts: int = Field(description="Contacts that came here at least once.")
    time_to_reach: SpreadOut = Field(description="From entering the workflow to the first visit.")
    sends: int
    suppressed: int = Field(description="Mails not sent because the address is on the suppression list.")
    errors: dict[str, int] = Field(description="Error code -> failed visits.")
    missing_variables: dict[str, int] = Field(description="Variable -> visits in which it rendered empty.")


class PathStepOut(BaseModel):
    id: str
    status: str = Field(description="completed, skipped or failed")


class PathOut(BaseModel):
    """One way through the workflow."""

    contacts: int
    share: float = Field(description="Of all contacts that entered, 0 to 1.")
    ending: str = Field(description="completed, exited, failed or active")
    length: int = Field(description="Visits on the way; `steps` shows the first 100.")
    steps: list[PathStepOut]


class DaySendsOut(BaseModel):
    date: date
    sends: int


class WeekdaySendsOut(BaseModel):
    weekday: str
    hours: list[int] = Field(description="Mails in each hour of the day, 24 of them, in the contact's time zone.")


class LateOut(SpreadOut):
    mails: int = Field(description="Mails that caps or quiet hours made late.")
    max_seconds: float | None


class SendsOut(BaseModel):
    total: int
    busiest_day: DaySendsOut | None
    per_day: list[DaySendsOut] = Field(description="UTC days with mails, in order.")
    by_weekday: list[WeekdaySendsOut]
    late: LateOut
    suppressed: int


class CapOut(BaseModel):
    """A rule that can hold up mails."""

    reason: str = Field(description="cap:<scope>:<window>, ramp_up:per_day or quiet_hours")
    limit: int | None
    refusals: int = Field(description="How often it said not now.")
    mails: int = Field(description="Mails that it held up.")


class ResultOut(BaseModel):
    """What one definition does."""

    definition: str = Field(description="live, draft, steps, or the version's number.")
    version: int | None = Field(description="The version's number; null for a draft and for steps.")
    totals: TotalsOut
    reasons: dict[str, int] = Field(description="Why runs ended, or the code they failed with -> contacts.")
    duration: SpreadOut = Field(description="Of the runs that completed or exited.")
    steps: list[SimulatedStepOut]
    paths: list[PathOut] = Field(description="The 50 most frequent ways.")
    distinct_paths: int
    sends: SendsOut
    caps: list[CapOut]
    missing_variables: dict[str, int] = Field(description="Variable -> visits in which it rendered empty.")
    warnings: list[str]


class DifferenceOut(BaseModel):
    """`difference` is this minus other: what this definition changes; null when either is."""

    metric: str = Field(description="Such as totals.completed or steps.welcome.sends.")
    this: float | None
    other: float | None
    difference: float | None


class ComparisonOut(BaseModel):
    other: ResultOut
    differences: list[DifferenceOut] = Field(description="Every metric, whether it differs or not.")
    other_path: int = Field(description="Contacts that go another way or end otherwise.")
    other_path_share: float


class SimulationOut(ResultOut):
    """What would happen. Nothing was sent and nothing was written."""

    workflow_id: int
    seed: int
    start_at: datetime
    until: datetime
    virtual_seconds: float = Field(description="How long the simulated time lasts.")
    took_ms: float = Field(description="How long the simulation took.")
    skipped_invalid_rows: int = Field(description="Given rows that are no objects.")
    comparison: ComparisonOut | None
