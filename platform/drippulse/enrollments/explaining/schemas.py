"""What an explanation holds."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class EntryOut(BaseModel):
    """One entry of the timeline, in short."""

    visit: int
    step_index: int
    step_id: str
    name: str
    type: str
    status: str
    at: datetime
    logs: list[str] = Field(description="What the step saw and decided then, such as `score (85) gte 70: yes`.")


class ConditionOut(BaseModel):
    field: str
    operator: str
    value: Any
    actual: Any = Field(description="What the field holds now; `logs` have what it held when it was decided.")
    passed: bool = Field(description="Whether it holds now.")


class LedByOut(EntryOut):
    """The step that led to the current one."""

    conditions: list[ConditionOut] = Field(description="Of a filter or branch, looked at again with today's data.")


class HereOut(BaseModel):
    step_index: int | None
    step_id: str | None
    name: str | None
    type: str | None
    since: datetime
    visit: int
    attempt: int
    led_by: LedByOut | None
    sentence: str


class HoldOut(BaseModel):
    hold: str = Field(description="enrollment, step, workflow or organization")
    sentence: str
    lifted_by: str = Field(description="The call that lifts it.")


class LeaseHeldOut(BaseModel):
    held: bool
    until: datetime | None
    fence: int
    call_begun_at: datetime | None = Field(description="A call was begun then and its result is not recorded yet.")


class WaitingOut(BaseModel):
    reason: str | None
    until: datetime | None
    held_since: datetime | None
    holds: list[HoldOut]
    error: Any = Field(description="Of the newest failed attempt.")
    signal: Any = Field(description="What was told to this visit from outside and is not worked on yet.")
    sentence: str


class NextStepOut(BaseModel):
    step_index: int
    step_id: str
    name: str
    type: str
    at: datetime = Field(description="When it is reached.")
    until: datetime | None = Field(description="When its wait ends.")
    what: str = Field(description="wait, act, completed, skipped or failed")
    reason: str | None
    sends_at: datetime | None = Field(
        description="When its mail likely goes out, by the caps and quiet hours as they stand; null for other steps, "
        "and when nobody can tell."
    )
    held_by: list[str] = Field(description="What puts the mail off until then, such as a cap that is reached.")
    sure: bool = Field(description="False when it depends on data or acts that may still change.")
    logs: list[str]
    note: str


class NextSendOut(BaseModel):
    """The next mail that comes."""

    step_id: str
    name: str
    at: datetime | None = Field(description="When it likely goes out; null when nobody can tell.")
    held_by: list[str]
    sentence: str


class NotSentOut(EntryOut):
    why: str


class ReceivedOut(BaseModel):
    """A mail and the path that led to it."""

    delivery_id: int
    step_id: str
    to: str
    subject: str
    status: str
    at: datetime
    path: str


class MoveOut(BaseModel):
    from_version: int
    to_version: int
    at: datetime


class PinnedOut(BaseModel):
    pinned: int
    newest: int
    sentence: str
    moves: list[MoveOut] = Field(description="Changes of version of this run, as its timeline has them.")


class BeganOut(BaseModel):
    at: datetime
    origin: str | None = Field(description="What started it, such as event:12; null for a call.")
    dedupe_key: str | None


class ExplanationOut(BaseModel):
    """Why a run is where it is. `summary` is for people; the rest has the same as data."""

    id: int
    workflow_id: int
    status: str
    exit_reason: str | None
    summary: list[str]
    began: BeganOut
    here: HereOut
    waiting: WaitingOut
    lease: LeaseHeldOut
    next: list[NextStepOut] = Field(description="The current step and the five after it, from today's data.")
    next_send: NextSendOut | None = Field(description="Null when no mail is among `next`.")
    path: list[EntryOut] = Field(description="The newest 50 entries of the timeline, oldest first.")
    not_sent: list[NotSentOut] = Field(description="Effects that did not happen, and why.")
    received: list[ReceivedOut] = Field(description="Its mails, and how it came to each.")
    version: PinnedOut
