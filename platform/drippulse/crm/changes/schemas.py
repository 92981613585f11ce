"""What goes into and comes out of the history of records."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from drippulse.crm.changes.tables import ChangeAction, Source
from drippulse.crm.tables import RecordType
from drippulse.kit.validation import Input


class ActorOut(BaseModel):
    """Who did it. `type` is user, api_key, lead_form, workflow, agent, import or system; the name where it is known."""

    type: str
    id: int | None
    name: str | None


class ChangeEventOut(BaseModel):
    """A change of one record. `before` and `after` hold the fields that changed."""

    id: int
    changeset_id: int
    record_type: RecordType
    record_id: str
    record_public_id: str
    action: ChangeAction
    actor: ActorOut
    changed_fields: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


class ChangeEventList(BaseModel):
    change_events: list[ChangeEventOut]
    total_count: int
    total_count_is_lower_bound: bool = False
    next_cursor: str | None = None


class ChangesetOut(BaseModel):
    """The changes of one API call, import, workflow step or agent run."""

    id: int
    source: Source
    label: str
    actor: ActorOut
    reverts_id: int | None = Field(description="The changeset that this one undoes.")
    reverted_at: datetime | None
    at: datetime


class ChangesetDetailOut(ChangesetOut):
    counts: dict[str, int] = Field(description="Changes by record type and action, such as contact.create.")
    revert: "RevertOut | None" = Field(description="How far its undoing is.")


class ChangesetList(BaseModel):
    changesets: list[ChangesetOut]
    total_count: int
    total_count_is_lower_bound: bool = False
    next_cursor: str | None = None


class Revert(Input):
    """How to undo."""

    dry_run: bool = Field(default=False, description="Say what would happen and change nothing.")
    on_conflict: Literal["skip", "fail"] = Field(
        default="skip", description="What was changed since is left alone (skip), or keeps everything as it is (fail)."
    )


class ConflictOut(BaseModel):
    """What was left alone. Without `field` the whole record: `reason` says why."""

    record_type: RecordType
    record_id: str
    record_public_id: str
    field: str | None = None
    expected: Any = None
    found: Any = None
    reason: str


class RevertOut(BaseModel):
    """What reverting did; a large changeset goes on in the background while `status` is running."""

    changeset_id: int
    reverting_id: int | None = Field(description="The changeset that undoes it; null for a dry run.")
    status: str = Field(description="running, completed or dry_run")
    counts: dict[str, int] = Field(description="reverted, unchanged and conflicts, in records.")
    conflicts: list[ConflictOut] = Field(description="At most 1,000.")


ChangesetDetailOut.model_rebuild()
