"""What goes in and out of the dialect, in camelCase."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from drippulse.crm.schemas import MERGED, CustomFieldChanges, PersonFields
from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.kit.schema_rules import at_least_one, together
from drippulse.kit.validation import Input
from drippulse.mail_templates.schemas import FROM, Sender, TemplateChanges, TemplateFields
from drippulse.workflows.schemas import Description, Name, Status
from drippulse.workflows.tables import WorkflowStatus

READ_ONLY = frozenset({"id", "version", "createdAt", "updatedAt"})


class CamelInput(Input):
    model_config = ConfigDict(alias_generator=to_camel)


class CamelOut(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class V1Contact(PersonFields):
    """A contact as it is sent; on an update, fields left out stay as they are."""

    model_config = ConfigDict(alias_generator=to_camel, json_schema_extra=together("externalSystem", "externalId"))

    custom_fields: CustomFieldChanges = Field(default_factory=dict[str, Any], description=MERGED)


class V1ContactOut(CamelOut):
    id: str
    email: str | None
    first_name: str
    last_name: str
    company: str
    phone: str
    timezone: str | None
    attributes: dict[str, Any]
    tags: list[str]
    external_system: str | None
    external_id: str | None
    created_at: datetime
    updated_at: datetime


class V1ContactList(CamelOut):
    items: list[V1ContactOut]
    total: int
    limit: int
    offset: int


class V1Template(CamelInput, TemplateFields):
    """A template as it is sent; at least one of body and html."""

    model_config = ConfigDict(json_schema_extra=at_least_one("body", "html"))

    sender: Sender | None = Field(default=None, alias="from", description=FROM)


class V1TemplateUpdate(CamelInput, TemplateChanges):
    """What to change."""

    sender: Sender | None = Field(default=None, alias="from", description=FROM)


class V1TemplateOut(CamelOut):
    id: str
    name: str
    subject: str
    body: str | None
    html: str | None
    sender: str | None = Field(alias="from")
    version: int
    created_at: datetime
    updated_at: datetime


class V1TemplateList(CamelOut):
    items: list[V1TemplateOut]
    total: int
    limit: int
    offset: int


Trigger = Annotated[
    Any,
    Field(
        description="manual, api, event (with eventType), scheduled (with cron), or an object {type, eventType, cron}.",
        json_schema_extra={"anyOf": [{"enum": ["manual", "api", "event", "scheduled", None]}, {"type": "object"}]},
    ),
]
Nodes = Annotated[
    Any,
    Field(
        description="Nodes {id, type, nextNodeId, …}. Types: delay, send_email, send_webhook, wait_for_event, branch, "
        "exit, goto, ab_test.",
        json_schema_extra={"type": "array", "maxItems": 100, "items": {"type": "object"}},
    ),
]


class V1WorkflowFields(CamelInput):
    description: Description = Field(default_factory=str)
    status: Status = Field(default_factory=lambda: WorkflowStatus.DRAFT)
    nodes: Nodes = Field(default_factory=list[Any])
    start_node_id: str | None = Field(default=None, description="Default: the first node.")
    trigger: Trigger = Field(default_factory=lambda: "manual")
    event_type: str | None = None
    cron: str | None = None
    exit_criteria: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], description="[{trigger: reply, bounce or unsubscribe}]"
    )
    opt_out_mode: Literal["link", "reply", "header_only"] = Field(default_factory=lambda: "link")
    paused_node_ids: list[str] = Field(default_factory=list[str], description="Nodes that hold whoever comes to them.")


class V1Workflow(V1WorkflowFields):
    """A workflow as it is sent."""

    name: Name


class V1WorkflowUpdate(V1WorkflowFields):
    """What to change. Status active and paused start it and hold it; a changed definition makes a new version."""

    name: Name = Field(default_factory=str)


class V1WorkflowOut(CamelOut):
    id: str
    name: str
    description: str
    status: WorkflowStatus
    version: int
    nodes: list[dict[str, Any]]
    start_node_id: str | None
    trigger: Any
    event_type: str | None
    cron: str | None
    exit_criteria: list[dict[str, Any]]
    opt_out_mode: str
    paused_node_ids: list[str]
    created_at: datetime
    updated_at: datetime


class V1WorkflowList(CamelOut):
    items: list[V1WorkflowOut]
    total: int
    limit: int
    offset: int


class V1Enrollment(CamelInput):
    """Whom to enroll where."""

    workflow_id: str
    contact_id: str
    variables: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Template variables of this run: {{ vars.<key> }}."
    )


class V1BulkEnrollment(CamelInput):
    workflow_id: str
    contact_ids: list[str] = Field(
        description="1 to 100 contact ids.", json_schema_extra={"minItems": 1, "maxItems": 100}
    )
    variables: dict[str, Any] = Field(default_factory=dict[str, Any], description="For all of them.")


class V1EnrollmentOut(CamelOut):
    id: str
    workflow_id: str
    contact_id: str | None
    email: str
    status: EnrollmentStatus
    current_node_id: str | None
    variables: dict[str, Any]
    next_run_at: datetime | None
    exit_reason: str | None
    last_error: Any
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class V1EnrollmentList(CamelOut):
    items: list[V1EnrollmentOut]
    total: int
    limit: int
    offset: int


class V1BulkResultOut(CamelOut):
    contact_id: str
    enrollment_id: str | None = Field(default=None, description="Present when enrolled.")
    status: str = Field(description="enrolled, skipped or failed")
    reason: str | None = Field(default=None, description="Present otherwise, such as already enrolled.")


class V1BulkOut(CamelOut):
    results: list[V1BulkResultOut]


class V1LogOut(CamelOut):
    node_id: str
    status: str = Field(description="completed, skipped, failed, retrying, unknown; or waiting, due, running, paused")
    message: str
    at: datetime


class V1LogList(RootModel[list[V1LogOut]]):
    """What happened at each node, oldest first."""
