"""The hours in which mail may go out."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.steps.clock_times import ClockTime
from drippulse.workflows.wall_clock import next_opening, zone

RECIPIENT = "recipient"
SENDER = "sender"


class SendWindow(BaseModel):
    """A daily window, the end exclusive. An end before the start is on the next day."""

    model_config = ConfigDict(extra="forbid")

    start: ClockTime = Field(description="When the window opens, such as 09:00.")
    end: ClockTime = Field(description="When it closes, such as 17:00.")
    timezone: str = Field(
        default=RECIPIENT,
        description="recipient (the enrollment's time zone), sender (the organization's), UTC, or an IANA name.",
    )
    business_days_only: bool = Field(default=False, description="Closed on Saturdays and Sundays.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in (RECIPIENT, SENDER):
            try:
                zone(name)
            except UnknownTimezoneError as error:
                raise ValueError(error.message) from None
        return name

    @model_validator(mode="after")
    def _has_length(self) -> "SendWindow":
        if self.start == self.end:
            raise ValueError("`start` and `end` are the same; leave the window out to send at any time")
        return self

    def opens(self, now: datetime, recipient_timezone: str, sender_timezone: str = "UTC") -> datetime:
        """`now` while it is open, otherwise when it opens next."""
        named = {RECIPIENT: recipient_timezone, SENDER: sender_timezone}
        tz = zone(named.get(self.timezone, self.timezone))
        return next_opening(now, self.start, self.end, tz, business_days_only=self.business_days_only) or now
