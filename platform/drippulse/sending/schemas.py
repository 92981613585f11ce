"""The sending policy of an organization, and what goes in and out of the feature."""

from datetime import datetime, time
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from drippulse.kit.moments import storable_moment
from drippulse.kit.schema_rules import either
from drippulse.kit.validation import EmailText
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.wall_clock import zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Share = Annotated[float, Field(gt=0, le=1)]
NO_ZERO = "a cap of 0 would hold mail forever; to stop sending, pause the organization or the workflow"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Caps(Part):
    """Most mails within a window. Windows are aligned in UTC: full minutes, hours, days, weeks from Monday."""

    per_minute: Count | None = None
    per_hour: Count | None = None
    per_day: Count | None = None
    per_week: Count | None = None

    @field_validator("per_minute", "per_hour", "per_day", "per_week", mode="before")
    @classmethod
    def _not_zero(cls, value: object) -> object:
        if value == 0 and value is not False:
            raise ValueError(NO_ZERO)
        return value

    @model_validator(mode="after")
    def _reachable(self) -> "Caps":
        given = [(name, getattr(self, name)) for name in ("per_minute", "per_hour", "per_day", "per_week")]
        known = [(name, cap) for name, cap in given if cap is not None]
        for (shorter, small), (longer, large) in pairwise(known):
            if small > large:
                raise ValueError(f"{shorter} {small} can never be reached with {longer} {large}; lower it")
        return self


class CapsByScope(Part):
    organization: Caps = Field(default_factory=Caps, description="All mail of the organization.")
    sender: Caps = Field(default_factory=Caps, description="Mail of one From address.")
    recipient_domain: Caps = Field(default_factory=Caps, description="Mail to one domain, such as gmail.com.")
    contact: Caps = Field(default_factory=Caps, description="Mail to one address, over all workflows.")


class RampUp(Part):
    """A daily cap that rises: `start_per_day` on the first day, times `factor` or plus `step` on each next one."""

    model_config = ConfigDict(json_schema_extra=either("factor", "step"))

    start_per_day: Count
    factor: Annotated[float, Field(gt=1, le=10)] | None = None
    step: Count | None = None
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = Field(description="After this many days it has no effect.")
    started_at: datetime | None = Field(default=None, description="The first day, in UTC; now when left out.")
    sender: str | None = Field(default=None, max_length=320, description="Only mail of this From address; else all.")

    @model_validator(mode="after")
    def _one_way_up(self) -> "RampUp":
        if (self.factor is None) == (self.step is None):
            raise ValueError("give either `factor` or `step`")
        return self

    @field_validator("started_at")
    @classmethod
    def _storable(cls, at: datetime | None) -> datetime | None:
        return None if at is None else storable_moment(at)


class QuietHours(Part):
    """Hours without mail. An `end` before `start` is on the next day."""

    start: time
    end: time
    timezone: str = Field(default="contact", description="contact, org, or an IANA name.")
    weekdays: list[Weekday] | None = Field(
        default=None, min_length=1, description="Days on which they begin; else all."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in {"contact", "org"}:
            try:
                zone(name)
            except UnknownTimezoneError as error:
                raise ValueError(error.message) from None
        return name

    @model_validator(mode="after")
    def _less_than_a_day(self) -> "QuietHours":
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("`start` and `end` are wall times, such as 21:00; the zone is `timezone`")
        if self.start == self.end:
            raise ValueError("`start` and `end` are the same: quiet hours of 24 hours would hold mail forever")
        return self


class BreakerRule(Part):
    """Shares of what was sent in the window at which the breaker warns and stops."""

    complaint_warn: Share = 0.001
    complaint_stop: Share = 0.003
    bounce_stop: Share = 0.05
    minimum_sends: Count = Field(default=500, description="Below this many the shares say nothing yet.")
    window_days: Annotated[int, Field(ge=1, le=90, strict=True)] = 7

    @model_validator(mode="after")
    def _warns_first(self) -> "BreakerRule":
        if self.complaint_warn > self.complaint_stop:
            raise ValueError("complaint_warn must not be above complaint_stop")
        return self


class SendingPolicy(Part):
    """What an organization allows itself. Everything left out is unlimited; the breaker is always there."""

    caps: CapsByScope = Field(default_factory=CapsByScope)
    ramp_up: RampUp | None = None
    quiet_hours: QuietHours | None = None
    breaker: BreakerRule = Field(default_factory=BreakerRule)


class SendingUpdate(Part):
    """A part that is given replaces that part as a whole; null takes it back to its default."""

    caps: CapsByScope | None = None
    ramp_up: RampUp | None = None
    quiet_hours: QuietHours | None = None
    breaker: BreakerRule | None = None


class SendingOut(SendingPolicy):
    """The sending policy in effect."""


class ResetBreaker(Part):
    note: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=3, max_length=2000),
        Field(json_schema_extra={"pattern": r"[^\s\x85][\s\S]+[^\s\x85]"}),
    ] = Field(description="What was done about it; kept with the event.")


class CountOut(BaseModel):
    """One window of one cap, as it stands."""

    scope: str
    key: str
    window: str
    cap: int
    sent: int
    put_off: int
    starts_at: str
    ends_at: str


class BreakerOut(BaseModel):
    """The rates are over `window_days`, today included, since the last reset."""

    state: str
    since: str
    reason: str
    note: str
    sent: int
    bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float
    counts: bool = Field(description="Whether enough was sent for the rates to count.")


class TotalsOut(BaseModel):
    sent: int
    delivered: int
    bounced: int
    soft_bounced: int
    complained: int


class SendingStatusOut(BaseModel):
    """`counts` has the fullest windows first, 100 at most."""

    breaker: BreakerOut
    today: TotalsOut
    window: TotalsOut
    counts: list[CountOut]
    waiting: dict[str, int] = Field(description="Enrollments whose mail is held back, by reason.")
    suppressed: int


class BounceWebhookOut(BaseModel):
    """How a mail provider reaches us. Both URLs do the same; whoever can sign shall."""

    url: str = Field(description="For calls signed by Standard Webhooks headers with `secret`.")
    secret: str
    token_url: str = Field(description="For providers that cannot sign; keep it like a password.")
    confirm_url: str | None = Field(description="Open it once when Amazon SNS waits for a confirmation.")


class BounceRow(Part):
    """The plain format: one of these, or an array of them. Give `email`, `message_id`, or both."""

    type: Literal["bounce", "complaint", "delivered", "reply"]
    email: str | None = Field(default=None, max_length=320)
    message_id: str | None = Field(default=None, max_length=998)
    hard: bool = Field(default=True, description="Of a bounce: whether the address is dead.")
    reason: str = Field(default="", max_length=2000)
    id: str | None = Field(default=None, min_length=1, max_length=200, description="Yours; the same one counts once.")
    at: datetime | None = None

    @model_validator(mode="after")
    def _names_a_mail(self) -> "BounceRow":
        if not self.email and not self.message_id:
            raise ValueError("give `email`, `message_id`, or both")
        return self


class BounceResultOut(BaseModel):
    index: int
    status: Literal["recorded", "duplicate", "ignored", "invalid"]
    reason: str = ""


class BouncesOut(BaseModel):
    """What became of each row. An invalid row does not keep the others from being recorded."""

    recorded: int
    duplicates: int
    ignored: int
    invalid: int
    results: list[BounceResultOut]
    note: str | None = None


class SuppressionCreate(Part):
    email: EmailText
    reason: Literal["unsubscribe", "bounce", "complaint", "manual"] = "manual"


class SuppressionOut(BaseModel):
    id: int
    email: str
    reason: str
    enrollment_id: int | None
    created_at: str


class SuppressionList(BaseModel):
    suppressions: list[SuppressionOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="In paginated answers.")


@lru_cache(maxsize=1024)
def parsed(text: str) -> SendingPolicy:
    """The policy behind `organization.sending`."""
    return SendingPolicy.model_validate_json(text or "{}")
