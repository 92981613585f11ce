"""How long a step waits for somebody or something."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drippulse.workflows.steps.spans import CALENDAR_UNITS, MAX_SPAN, SPANS, AnyUnit, Unit
from drippulse.workflows.wall_clock import add_days, zone

CONTINUE, EXIT = "continue", "exit"
GO_ON_HINT = "a step id, continue (the next step) or exit"


class Timeout(BaseModel):
    """A span, at least a second and at most five years."""

    model_config = ConfigDict(extra="forbid")

    duration: float = Field(gt=0, allow_inf_nan=False, description="How many units.")
    unit: AnyUnit = Field(
        description="Seconds, minutes and hours are absolute. Days and weeks keep the wall time in the contact's zone."
    )

    @model_validator(mode="after")
    def _bounded(self) -> "Timeout":
        if self.duration > MAX_SPAN / SPANS[self.unit]:
            raise ValueError("is longer than five years")
        if self.duration * SPANS[self.unit] < timedelta(seconds=1):
            raise ValueError("is shorter than a second")
        return self

    def ends_at(self, entered_at: datetime, timezone: str) -> datetime:
        """When it is over (UTC); the same arguments always give the same instant."""
        if self.unit not in CALENDAR_UNITS:
            return entered_at + self.duration * SPANS[self.unit]
        days, rest = divmod(self.duration * (7 if self.unit is Unit.WEEKS else 1), 1)
        return add_days(entered_at, int(days), zone(timezone)) + timedelta(days=rest)


def is_step_id(choice: Any) -> bool:
    """Whether an `on_...` names a step; `continue` and `exit` do not."""
    return choice not in (CONTINUE, EXIT)
