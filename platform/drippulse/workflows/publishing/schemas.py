"""What goes in and out of drafts, previews, publications and the history of versions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input
from drippulse.workflows.publishing.tables import Strategy
from drippulse.workflows.schemas import StepOut
from drippulse.workflows.settings import WorkflowSettings

Note = Annotated[str, StringConstraints(max_length=500)]
DraftSteps = Annotated[
    Any,
    Field(
        description="Steps as for a workflow. They may be incomplete: `problems` of the answer says what is missing.",
        json_schema_extra={"type": "array", "maxItems": 200},
    ),
]
Unjudged = Annotated[
    Any,
    Field(description="As `WorkflowSettings`, and maybe incomplete.", json_schema_extra={"type": ["object", "null"]}),
]
StrategyIn = Annotated[Strategy, Field(strict=False)]
StepId = Annotated[str, StringConstraints(max_length=100)]
Problems = Annotated[
    dict[str, list[str]], Field(description="Path (`steps.2.config.duration`) -> sentences; publishing needs none.")
]


class DraftIn(Input):
    """A draft. What is left out stays as it is in the draft, or without one in the live version."""

    steps: DraftSteps = Field(default_factory=list[Any])
    settings: Unjudged = Field(default_factory=dict[str, Any])
    base_version: int | None = Field(default=None, ge=1, description="The version it was made from; default: live.")
    revision: int | None = Field(
        default=None, ge=0, description="The revision that was read; the header If-Match says the same."
    )


class DraftOut(BaseModel):
    """Changes that wait to be published. They may be incomplete: `problems` says what publishing would refuse."""

    workflow_id: int
    revision: int = Field(description="Send it as If-Match with the next change.")
    base_version: int
    live_version: int
    steps: list[StepOut]
    settings: dict[str, Any]
    problems: Problems
    updated_at: datetime


class PreviewIn(Input):
    """How the draft would be published."""

    strategy: StrategyIn = Field(
        default=Strategy.PIN,
        description="pin: runs in flight stay on their version; migrate: they go on at the same step, or where "
        "step_map says; restart: they begin anew; exit: they end.",
    )
    step_map: dict[StepId, StepId | None] = Field(
        default_factory=dict[str, str | None],
        max_length=1000,
        description="For migrate: id of an old step -> id of a new one, or null to end the runs that stand there.",
    )
    note: Note = Field(default="", description="Kept with the version.")


class GroupOut(BaseModel):
    """Runs in flight on one step of one version, and where they go."""

    version: int
    step_id: str
    step_index: int
    name: str
    type: str
    count: int
    waiting: int = Field(description="For a time or for somebody.")
    in_call: int = Field(description="With a call in flight; they move once it is settled.")
    held: int = Field(description="By a pause.")
    outcome: str = Field(description="stays, moves, exits, or gap: the new version has no place for them")
    to: str | None = Field(description="Id of a step of the new version.")


class StepBriefOut(BaseModel):
    id: str
    type: str
    name: str
    position: int


class StepMovedOut(StepBriefOut):
    from_: int = Field(alias="from")
    to: int


class FieldChangeOut(BaseModel):
    path: str = Field(description="Such as `config.duration`.")
    before: Any
    after: Any


class StepChangedOut(StepBriefOut):
    fields: list[FieldChangeOut]


class DiffOut(BaseModel):
    """Steps are known by their ids. Secrets are compared, and shown as ********."""

    same: bool
    added: list[StepBriefOut]
    removed: list[StepBriefOut]
    moved: list[StepMovedOut]
    changed: list[StepChangedOut]
    settings: list[FieldChangeOut]


class VersionDiffOut(DiffOut):
    from_: int = Field(alias="from")
    to: int


class EmptyVariableOut(BaseModel):
    name: str = Field(description="As templates write it.")
    contacts: int = Field(description="How many of the contacts looked at lack it.")
    steps: list[str] = Field(description="Ids of steps whose texts use it.")


class EmptyVariablesOut(BaseModel):
    """Of the new version's texts, for those in flight."""

    sampled: int = Field(description="Contacts looked at: the newest, 10,000 at most.")
    variables: list[EmptyVariableOut]


class ConflictOut(BaseModel):
    """People whose wait does not fit the new version."""

    step_id: str
    kind: str = Field(
        description="passed: its date is over; due_in_the_past: they would go on at once; skipped: no date or no day "
        "that is allowed; fails"
    )
    count: int
    message: str


class PreviewOut(BaseModel):
    """What publishing would do."""

    workflow_id: int
    draft_revision: int
    live_version: int
    new_version: int
    strategy: Strategy
    in_flight: int
    groups: list[GroupOut]
    gaps: dict[str, list[str]] = Field(description="`step_map.<step>` -> why it needs an entry.")
    problems: Problems
    publishable: bool = Field(description="False while there are gaps or problems.")
    diff: DiffOut
    empty_variables: EmptyVariablesOut
    schedule_conflicts: list[ConflictOut]
    warnings: list[str]
    confirm_token: str
    expires_at: datetime


class PublishIn(Input):
    """A confirmation. Without a token the strategy is pin, and nobody may be in flight."""

    confirm_token: str | None = Field(default=None, max_length=500_000, description="From the preview.")
    strategy: StrategyIn = Field(
        default_factory=lambda: Strategy.PIN, description="pin without a token, else that of the preview."
    )
    note: Note | None = Field(default=None, description="Instead of the preview's.")


class PublishedOut(BaseModel):
    workflow_id: int
    version: int
    status: str
    strategy: Strategy
    in_flight: int = Field(description="Runs on older versions at this moment, moved or pinned.")
    move: "MoveOut | None" = Field(description="How far those in flight have moved; null when they stay.")


class ActorOut(BaseModel):
    type: str
    id: int | None


class MoveOut(BaseModel):
    """Runs on their way to a version. Those in a call, or on a step without a place, follow once they leave it."""

    id: int
    version: int
    strategy: Strategy
    status: str = Field(description="moving, done, or superseded by a later publication")
    total: int
    moved: int
    exited: int
    remaining: int
    targets: dict[str, str | None] = Field(description="Old step -> new step; null ends the run.")
    published_by: ActorOut
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class MoveList(BaseModel):
    moves: list[MoveOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class VersionOut(BaseModel):
    """A version in the list."""

    version: int
    live: bool
    note: str
    created_at: datetime
    published_by: ActorOut | None = Field(description="Null for versions older than this record.")
    in_flight: int
    steps_count: int


class VersionDetailOut(VersionOut):
    steps: list[StepOut]
    settings: WorkflowSettings


class VersionList(BaseModel):
    versions: list[VersionOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
