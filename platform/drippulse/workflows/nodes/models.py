"""The nodes dialect as it is sent: nodes, each with the id of the one that follows, and what holds for all of them."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from drippulse.workflows.conditions import Condition, MatchMode
from drippulse.workflows.steps.ab_test import MAX_VARIANTS
from drippulse.workflows.steps.goto import MOST_VISITS

MAX_NODES = 100
MAX_NODE_ID = 80
RESERVED = "~"
"""Ids of steps that stand for no node begin with it, so that a node's id must not."""

NodeId = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=MAX_NODE_ID, pattern=r"^[^~\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$"
    ),
]
Next = Annotated[NodeId | None, Field(default=None, description="Id of the node to go on with; none ends the run.")]


class Part(BaseModel):
    """Names are camelCase; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class TriggerType(StrEnum):
    MANUAL = "manual"
    API = "api"
    EVENT = "event"
    SCHEDULED = "scheduled"


class OptOutMode(StrEnum):
    LINK = "link"
    REPLY = "reply"
    HEADER_ONLY = "header_only"


class Trigger(Part):
    """How the workflow starts; manual and api are the same."""

    type: TriggerType = TriggerType.MANUAL
    event_type: str | None = Field(default=None, min_length=1, max_length=200, description="For the type event.")
    cron: str | None = Field(default=None, min_length=1, max_length=200, description="Five fields; for scheduled.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "Trigger":
        if self.type is TriggerType.EVENT and self.event_type is None:
            raise ValueError("the type event needs `eventType`, such as `lead.created`")
        if self.type is TriggerType.SCHEDULED and self.cron is None:
            raise ValueError("the type scheduled needs `cron`, such as `0 9 * * 1`")
        return self


class ExitRule(Part):
    trigger: Literal["reply", "bounce", "unsubscribe"] = Field(description="What ends the run of a contact.")


class Window(Part):
    """The hours in which mail may go out."""

    start: str = Field(description="Such as 09:00.")
    end: str = Field(description="Such as 17:00.")
    timezone: str = Field(default="recipient", description="recipient, sender (the organization's) or UTC.")
    business_days_only: bool = False


class Node(Part):
    id: NodeId
    type: str
    name: str = Field(default="", max_length=200)
    next_node_id: Next


class DelayNode(Node):
    delay_amount: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    delay_unit: Literal["minutes", "hours", "days"] | None = None
    delay_minutes: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="The older form.")
    jitter_minutes: int = Field(default=0, ge=0, le=10_080)
    business_days_only: bool = False

    @model_validator(mode="after")
    def _one_form(self) -> "DelayNode":
        if (self.delay_amount is None) == (self.delay_minutes is None):
            raise ValueError("needs `delayAmount` with `delayUnit`, or `delayMinutes`")
        if (self.delay_amount is None) != (self.delay_unit is None):
            raise ValueError("needs `delayUnit` (minutes, hours or days) together with `delayAmount`")
        return self


class Sending(Part):
    """Who sends, and when."""

    inbox_id: str | None = Field(default=None, description="The address that sends.")
    inbox_ids: list[str] = Field(default_factory=list[str], max_length=50, description="Several; a run keeps to one.")
    send_window: Window | None = None


class SendEmailNode(Node, Sending):
    template_id: str | int | None = None
    subject: str | None = Field(default=None, min_length=1)
    body: str | None = Field(default=None, min_length=1)
    html: str | None = Field(default=None, min_length=1)

    @property
    def has_text(self) -> bool:
        return self.template_id is not None or self.subject is not None


class ResponseRule(Part):
    """By `status` (404, 2xx) or by one condition on the response."""

    status: str | int | None = None
    condition: Condition | None = None
    next_node_id: NodeId

    @model_validator(mode="after")
    def _one_test(self) -> "ResponseRule":
        if (self.status is None) == (self.condition is None):
            raise ValueError("needs `status` or `condition`")
        return self


class SendWebhookNode(Node):
    webhook_url: str = Field(min_length=1)
    webhook_body: Any = None
    webhook_auth_header: str | None = Field(default=None, min_length=1, description="Authorization; never shown again.")
    webhook_response_branches: list[ResponseRule] = Field(default_factory=list[ResponseRule], max_length=50)


class WaitForEventNode(Node):
    event_type: str = Field(min_length=1, max_length=200)
    match: MatchMode = "all"
    conditions: list[Condition] = Field(default_factory=list[Condition], max_length=50)
    timeout_amount: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    timeout_unit: Literal["minutes", "hours", "days"] | None = None
    timeout_next_node_id: NodeId | None = Field(default=None, description="Default: nextNodeId, as if it had come.")

    @model_validator(mode="after")
    def _belongs_together(self) -> "WaitForEventNode":
        if (self.timeout_amount is None) != (self.timeout_unit is None):
            raise ValueError("needs `timeoutAmount` and `timeoutUnit` (minutes, hours or days) together")
        if self.timeout_next_node_id is not None and self.timeout_amount is None:
            raise ValueError("has `timeoutNextNodeId` without `timeoutAmount`")
        return self


class BranchRule(Part):
    condition: Condition | None = None
    match: MatchMode = "all"
    conditions: list[Condition] = Field(default_factory=list[Condition], max_length=50)
    next_node_id: NodeId

    @model_validator(mode="after")
    def _some_condition(self) -> "BranchRule":
        if (self.condition is None) == (not self.conditions):
            raise ValueError("needs `condition`, or several in `conditions`")
        return self


class BranchNode(Node):
    branches: list[BranchRule] = Field(min_length=1, max_length=50)


class ExitNode(Node):
    reason: str = Field(default="exit", min_length=1)


class GotoNode(Node):
    next_node_id: NodeId  # pyright: ignore[reportIncompatibleVariableOverride,reportGeneralTypeIssues] - it must go somewhere
    max_visits: int | None = Field(default=None, ge=1, le=MOST_VISITS)
    fallback_next_node_id: Next


class VariantRule(Part):
    id: str = Field(min_length=1, max_length=100)
    template_id: str | int | None = None
    weight: float = Field(default=1, ge=0, le=1_000_000, allow_inf_nan=False)
    next_node_id: Next


class AbTestNode(Node, Sending):
    variants: list[VariantRule] = Field(min_length=1, max_length=MAX_VARIANTS)

    @model_validator(mode="after")
    def _all_or_none(self) -> "AbTestNode":
        with_template = [variant.template_id is not None for variant in self.variants]
        if any(with_template) and not all(with_template):
            raise ValueError("has variants with and without `templateId`; give all of them one, or none")
        if any(with_template) and any(variant.next_node_id is not None for variant in self.variants):
            raise ValueError(
                "has variants with `templateId` and `nextNodeId`; the node's own `nextNodeId` follows the mail"
            )
        return self

    @property
    def chooses_templates(self) -> bool:
        return self.variants[0].template_id is not None


NODE_TYPES: dict[str, type[Node]] = {
    "delay": DelayNode,
    "send_email": SendEmailNode,
    "send_webhook": SendWebhookNode,
    "wait_for_event": WaitForEventNode,
    "branch": BranchNode,
    "exit": ExitNode,
    "goto": GotoNode,
    "ab_test": AbTestNode,
}


class Definition(Part):
    """A workflow in the nodes dialect. `nodes` are models by now; `read_definition` makes them."""

    nodes: list[Any] = Field(default_factory=list[Any])
    start_node_id: str | None = None
    trigger: Trigger = Field(default_factory=Trigger)
    exit_criteria: list[ExitRule] = Field(default_factory=list[ExitRule], max_length=20)
    opt_out_mode: OptOutMode = OptOutMode.LINK
    paused_node_ids: list[str] = Field(default_factory=list[str], max_length=MAX_NODES)
