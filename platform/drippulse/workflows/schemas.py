"""What goes in and out of workflows."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from drippulse.kit.validation import Input, Trimmed
from drippulse.workflows.fixtures import PROFILES
from drippulse.workflows.settings import WorkflowSettings
from drippulse.workflows.tables import WorkflowStatus

Name = Annotated[str, Trimmed(200)]
Description = Annotated[str, StringConstraints(max_length=10_000)]
Status = Annotated[WorkflowStatus, Field(strict=False)]
Steps = Annotated[
    Any,
    Field(
        description="Steps in order. Each has a type, a name and a config; other keys are moved into config.",
        json_schema_extra={"type": "array", "maxItems": 200, "items": {"$ref": "#/components/schemas/StepIn"}},
    ),
]

Settings = Annotated[
    Any,
    Field(
        description="Re-entry, exit criteria and goals; empty for the defaults.",
        json_schema_extra={"anyOf": [{"$ref": "#/components/schemas/WorkflowSettings"}, {"type": "null"}]},
    ),
]

Payload = Annotated[Any, Field(json_schema_extra={"type": ["object", "null"]})]

READ_ONLY = frozenset({"id", "organization_id", "version", "has_draft", "created_at", "updated_at"})
"""Fields of an answer that a client may echo back; they are ignored."""


class StepIn(BaseModel):
    """One step as it is sent. `GET /workflows/step_types` describes the config of each type."""

    type: str = Field(json_schema_extra={"minLength": 1}, description="A step type, such as wait or email.")
    name: str = Field(default="", description="What people see; defaults to the type.")
    id: str | None = Field(default=None, description="Stable id that jumps refer to; made by the server when absent.")
    position: Any = Field(default=None, description="Ignored: steps are numbered in the order they are sent.")
    config: dict[str, Any] = Field(default_factory=dict[str, Any], description="The parameters of this step type.")


class WorkflowCreate(Input):
    """A new workflow."""

    name: Name
    description: Description = ""
    status: Status = WorkflowStatus.DRAFT
    steps: Steps = Field(default_factory=list[Any])
    settings: Settings = Field(default_factory=dict[str, Any])
    integrations: list[Any] = Field(default_factory=list[Any], max_length=100, description="References, kept as sent.")
    project_id: int | None = Field(default=None, description="The project it belongs to.")


class WorkflowUpdate(Input):
    """What to change; fields left out stay as they are. A change of steps or settings makes a new version."""

    # Factories, because a default would be shown in the API description, and nothing is assumed for what is left out.
    name: Name = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    status: Status = Field(default_factory=lambda: WorkflowStatus.DRAFT)
    steps: Steps = Field(default_factory=list[Any])
    settings: Settings = Field(default_factory=dict[str, Any])
    integrations: list[Any] = Field(default_factory=list[Any], max_length=100)
    project_id: int | None = Field(default=None, description="The project it belongs to; null takes it out.")


class TestRun(Input):
    """A dry run. `sample_data`, `input` and `runtime_payload` are names for the same thing; send one."""

    __test__ = False  # not a test class, whatever its name looks like

    sample_data: Payload = Field(default=None, description="Shallow-merged over the fixture profile.")
    input: Payload = Field(default=None, description="Another name for sample_data.")
    runtime_payload: Payload = Field(default=None, description="Another name for sample_data.")
    fixture_profile: Annotated[str, WithJsonSchema({"type": "string", "enum": [*PROFILES]})] | None = Field(
        default=None, description="minimal (default), or demo, full, rich, legacy."
    )


class StepOut(BaseModel):
    """A step in its canonical shape. Secrets in config are shown as ********."""

    id: str
    type: str
    name: str
    position: int
    config: dict[str, Any]


class WorkflowOut(BaseModel):
    """A workflow with the steps of its newest version."""

    id: int
    name: str
    description: str
    status: WorkflowStatus
    version: int = Field(description="Rises when steps or settings change.")
    steps: list[StepOut]
    integrations: list[Any]
    project_id: int | None = Field(description="The project it belongs to.")
    settings: WorkflowSettings = Field(description="What its newest version says beside the steps.")
    has_draft: bool = Field(description="Whether changes wait to be published.")
    created_at: datetime
    updated_at: datetime


class WorkflowList(BaseModel):
    workflows: list[WorkflowOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class StepFieldOut(BaseModel):
    name: str
    type: str
    required: bool
    default: Any = None
    help: str


class StepTypeOut(BaseModel):
    """One step type as the builder sees it."""

    type: str
    label: str
    category: str
    description: str
    config_schema: dict[str, Any]
    fields: list[StepFieldOut]
    outputs: dict[str, Any]
    guarantee: str
    test_behaviour: str


class StepTypeList(BaseModel):
    step_types: list[StepTypeOut]
    total_count: int


class TestStepOut(BaseModel):
    __test__ = False

    step_index: int
    id: str
    type: str
    name: str
    status: str
    output: Any
    logs: list[str]
    duration_ms: float


class TestResult(BaseModel):
    """What a dry run did. Nothing was sent and nothing was written."""

    __test__ = False

    status: str
    steps: list[TestStepOut]
    logs: list[str]
    sample_data: dict[str, Any]
    test_fixture_profile: str
    missing_variables: list[str]
