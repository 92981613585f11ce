"""What a simulation is asked."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.kit.moments import within_years
from drippulse.kit.schema_rules import either
from drippulse.kit.validation import Input
from drippulse.sending.schemas import CapsByScope, QuietHours, RampUp
from drippulse.workflows.schemas import Steps
from drippulse.workflows.settings import Span
from drippulse.workflows.values import FIRST_YEAR, LAST_YEAR

MAX_CONTACTS = 10_000
MAX_YEARS = 5
DEFAULT_HORIZON = timedelta(days=365)
LONGEST = timedelta(days=366 * MAX_YEARS)

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=False)]


def _known_year(moment: datetime) -> datetime:
    if not within_years(moment, FIRST_YEAR, LAST_YEAR):
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}, in UTC")
    return moment


Moment: TypeAlias = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_known_year)]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
Key: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Status: TypeAlias = Annotated[EnrollmentStatus, Field(strict=False)]
Version: TypeAlias = Literal["live", "draft"] | Annotated[int, Field(ge=1, le=2_147_483_647)]


class Part(BaseModel):
    """A part of what is asked; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Definition(Input):
    """Which definition: a version of the workflow, or steps as they are sent."""

    version: Version | None = Field(
        default=None, description="live (the default), draft, or the number of a stored version."
    )
    steps: Steps = Field(default=None)
    settings: dict[str, Any] | None = Field(
        default=None, description="Settings that go with `steps`: re-entry, exit criteria and goals."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Definition":
        if self.version is not None and self.steps is not None:
            raise ValueError("send either `version` or `steps`, not both")
        if self.settings is not None and self.steps is None:
            raise ValueError("`settings` go with `steps`; a version has its own")
        return self


class EnrollmentSource(Part):
    """The contacts of runs that this workflow has, newest first, with the data they have now."""

    status: Status | None = Field(default=None, description="Only runs of this status.")
    limit: int = Field(default=1000, ge=1, le=MAX_CONTACTS, description="At most so many.")


class ContactSource(Part):
    """Contacts of the CRM, newest first."""

    tag: str | None = Field(default=None, min_length=1, max_length=200, description="Only contacts with this tag.")
    limit: int = Field(default=1000, ge=1, le=MAX_CONTACTS, description="At most so many.")


class Source(Part):
    """Stored contacts; one of the two."""

    enrollments: EnrollmentSource | None = Field(default=None, description="Contacts of this workflow's own runs.")
    contacts: ContactSource | None = Field(default=None, description="Contacts of the CRM.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Source":
        if (self.enrollments is None) == (self.contacts is None):
            raise ValueError("name one source: `enrollments` or `contacts`")
        return self


class Arrivals(Part):
    """When contacts enter: all at the start unless spread."""

    per_day: int | None = Field(
        default=None, ge=1, le=MAX_CONTACTS, description="So many a day, evenly, in the order they are given."
    )


class Delay(Part):
    """How long something takes: `delay`, or evenly spread up to `at_most`."""

    delay: Span | None = Field(default=None, description="How long it takes; at once when left out.")
    at_most: Span | None = Field(default=None, description="Evenly spread between `delay` and this.")

    @model_validator(mode="after")
    def _in_order(self) -> "Delay":
        if self.at_most is not None and self.at_most.seconds < self.least:
            raise ValueError("`at_most` is shorter than `delay`")
        return self

    @property
    def least(self) -> float:
        return self.delay.seconds if self.delay else 0.0

    @property
    def most(self) -> float:
        return self.at_most.seconds if self.at_most else self.least


class EventModel(Delay):
    """Whether an event comes: counted from when a step begins to wait for it, or from entering for one that ends the
    run (a goal, an exit criterion). It is one that fits; conditions are not looked at."""

    probability: Probability = Field(description="Share of the contacts for whom it comes, 0 to 1.")
    data: dict[str, Any] = Field(default_factory=dict[str, Any], description="The data that the event carries.")


class ApprovalModel(Delay):
    """What approvers decide; who is neither approved nor rejected is left to the timeout."""

    approve: Probability = Field(default=1.0, description="Share that is approved, 0 to 1.")
    reject: Probability = Field(default=0.0, description="Share that is rejected, 0 to 1.")

    @model_validator(mode="after")
    def _at_most_all(self) -> "ApprovalModel":
        if self.approve + self.reject > 1.000001:
            raise ValueError("`approve` and `reject` are more than 1 together")
        return self


class CallModel(Part):
    """One thing that can become of a call (a mail, a webhook, an integration)."""

    probability: Probability = Field(description="How often, 0 to 1; what is left over succeeds as in /test.")
    outcome: Literal["done", "failed", "retry", "unknown"] = Field(
        default="done", description="done; failed for good; retry: it did not happen and is tried again; unknown."
    )
    status: int | None = Field(
        default=None, ge=100, le=599, description="The HTTP status of a webhook's answer; it decides the outcome."
    )
    body: Any = Field(default=None, description="The JSON body of a webhook's answer.")
    output: dict[str, Any] = Field(default_factory=dict[str, Any], description="What the step leaves behind.")


Calls: TypeAlias = Annotated[list[CallModel], Field(min_length=1, max_length=20)]


class Models(Part):
    """What the world does. Without a word about them no event comes, nobody decides, and every call succeeds."""

    events: dict[Key, EventModel] = Field(
        default_factory=dict[Key, EventModel], max_length=200, description="By step id, or by event type."
    )
    approvals: dict[Key, ApprovalModel] = Field(
        default_factory=dict[Key, ApprovalModel], max_length=200, description="By the approval step's id."
    )
    calls: dict[Key, Calls] = Field(
        default_factory=dict[Key, Calls], max_length=200, description="By step id: what becomes of its calls."
    )

    @field_validator("calls")
    @classmethod
    def _at_most_all(cls, calls: dict[str, list[CallModel]]) -> dict[str, list[CallModel]]:
        for key, outcomes in calls.items():
            if sum(outcome.probability for outcome in outcomes) > 1.000001:
                raise ValueError(f'the probabilities of "{key}" are more than 1 together')
        return calls


class Sending(Part):
    """The rules of sending to simulate with. Everything left out is unlimited."""

    model_config = ConfigDict(extra="forbid", strict=False)

    caps: CapsByScope = Field(default_factory=CapsByScope)
    ramp_up: RampUp | None = Field(default=None)
    quiet_hours: QuietHours | None = Field(default=None)


class SimulationRequest(Definition):
    """A simulation. Everything has a default except whom it is for: `contacts` or `source`."""

    model_config = ConfigDict(json_schema_extra=either("contacts", "source"))

    compare_with: Definition | None = Field(
        default=None, description="A second definition for the same contacts, seed and models."
    )
    contacts: list[Any] | None = Field(
        default=None,
        description=f"Up to {MAX_CONTACTS} contacts, as a bulk enrollment takes them.",
        json_schema_extra={"items": {"type": "object"}, "maxItems": MAX_CONTACTS},
    )
    timezone: str | None = Field(default=None, description="Time zone of contacts that have none; UTC by default.")
    source: Source | None = Field(default=None, description="Stored contacts instead of given ones.")
    start_at: Moment | None = Field(default=None, description="When the first contact enters; now by default.")
    until: Moment | None = Field(
        default=None, description=f"The horizon; a year after the start by default, {MAX_YEARS} years at most."
    )
    arrivals: Arrivals = Field(default_factory=Arrivals)
    seed: int = Field(default=0, ge=0, le=2**63 - 1, description="The same seed draws the same lots.")
    models: Models = Field(default_factory=Models)
    sending: Sending | None = Field(
        default=None, description="Caps, ramp-up and quiet hours; the organization's own policy when left out."
    )
    warn_sends_per_day: Limit | None = Field(default=None, description="Warn about UTC days with more mails than this.")

    @model_validator(mode="after")
    def _whom(self) -> "SimulationRequest":
        if (self.contacts is None) == (self.source is None):
            raise ValueError("send `contacts` or `source`, one of the two")
        return self

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and horizon, which may be in any order as yet."""
        start = self.start_at or now
        return start, self.until or start + DEFAULT_HORIZON
