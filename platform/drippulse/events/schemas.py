"""What goes in and out of events."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from drippulse.kit.addresses import normalize_address
from drippulse.kit.moments import within_years
from drippulse.kit.schema_rules import NULL, given
from drippulse.kit.validation import EmailText, Input, Trimmed
from drippulse.workflows.event_match import EVENT_TYPE

MAX_BATCH = 1000
ShortText = Annotated[str, Trimmed(500)]


class EventIn(Input):
    """Something that happened, as a client tells it."""

    model_config = ConfigDict(
        json_schema_extra={"if": given("key"), "then": {"properties": {"email": NULL, "lead_ref": NULL}}}
    )

    type: str = Field(pattern=EVENT_TYPE, description="Lower case letters, digits and _ . : -, such as order.paid.")
    key: ShortText | None = Field(default=None, description="Who it is about: an e-mail address or a lead_ref.")
    email: EmailText | None = Field(default=None, description="Who it is about, by e-mail address.")
    lead_ref: ShortText | None = Field(default=None, description="Who it is about, by your own reference.")
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Anything; conditions and templates see its fields."
    )
    occurred_at: Annotated[AwareDatetime, Field(strict=False)] | None = Field(
        default=None, description="When it happened, ISO 8601 with an offset; now when left out."
    )
    id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        default=None, description="Your own id of it. The same id again answers the first result and does nothing."
    )

    @field_validator("email")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        if text is None:
            return None
        address = normalize_address(text)
        if address is None:
            raise ValueError("is not an e-mail address")
        return address

    @field_validator("occurred_at", mode="before")
    @classmethod
    def _is_text(cls, at: object) -> object:
        if isinstance(at, int | float):
            raise ValueError("must be a time such as 2026-01-31T09:00:00Z")  # not a number of seconds
        return at

    @field_validator("occurred_at")
    @classmethod
    def _storable(cls, at: datetime | None) -> datetime | None:
        if at is not None and not within_years(at, 1970, 9000):
            raise ValueError("lies outside of the years 1970 to 9000")
        return at

    @model_validator(mode="after")
    def _one_subject(self) -> "EventIn":
        if self.key is not None and (self.email is not None or self.lead_ref is not None):
            raise ValueError("send `key`, or `email` and `lead_ref`, not both")
        return self


class EventBatch(Input):
    """One event with its fields at the top level, or up to 1,000 in `events`."""

    events: list[dict[str, Any]] = Field(
        min_length=1, max_length=MAX_BATCH, description="Events, each an object as for one event."
    )


class EventOut(BaseModel):
    """An event of the log."""

    id: int
    type: str
    key: str | None = Field(description="Who it is about, as the log spells it.")
    record_type: str
    record_id: str
    actor_type: str
    actor_id: int | None
    data: dict[str, Any]
    source_id: str | None = Field(description="The id that the client gave it.")
    occurred_at: datetime
    created_at: datetime


class EventResult(BaseModel):
    index: int = Field(description="Place in `events`, from 0.")
    status: str = Field(description="accepted, duplicate (this id was sent before) or invalid")
    event_id: int | None
    errors: dict[str, list[str]] | None = None


class EventBatchOut(BaseModel):
    """What became of a batch. One event alone is answered as the event."""

    accepted_count: int
    duplicate_count: int
    invalid_count: int
    results: list[EventResult]


class EventList(BaseModel):
    """Events, newest first."""

    events: list[EventOut]
    total_count: int
    next_cursor: str | None = None
