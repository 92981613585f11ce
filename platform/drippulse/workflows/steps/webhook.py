"""`webhook`: describes the payload that starts the workflow; a run passes through it."""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from pydantic import ConfigDict, Field

from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext


class WebhookConfig(StepConfig):
    """Other members are kept as they are: the contract of a payload is the sender's to describe."""

    model_config = ConfigDict(extra="allow")

    path: str | None = Field(default=None, max_length=500, description="Where the sender posts to, for people to read.")
    method: str | None = Field(default=None, max_length=10, description="The HTTP method of the sender.")
    source: str | None = Field(default=None, max_length=500, description="Who sends it.")
    event: str | None = Field(default=None, max_length=200, description="Which of the sender's events it is.")
    description: str | None = Field(default=None, max_length=10_000, description="What the payload is about.")
    payload_schema: dict[str, Any] | None = Field(default=None, description="JSON Schema of the payload.")
    required_fields: list[str] = Field(
        default_factory=list[str], max_length=200, description="Fields that the sender promises."
    )
    sample_payload: Any = Field(default=None, description="An example of the payload.")
    metadata: dict[str, Any] | None = Field(default=None, description="Anything else worth knowing.")


class WebhookStep(PureStep[WebhookConfig]):
    type: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Inbound webhook"
    category: ClassVar[Category] = Category.TRIGGER
    description: ClassVar[str] = (
        "States the contract of an inbound payload for builders and agents. Runs pass through it unchanged."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Passes through."
    config_model = WebhookConfig

    def problems(self, config: WebhookConfig) -> Iterator[Problem]:
        declared: object = (config.payload_schema or {}).get("type", "object")
        kinds = cast("list[object]", declared) if isinstance(declared, list) else [declared]
        if "object" not in kinds:
            yield Problem("payload_schema.type", "is not object; contacts arrive as JSON objects")

    def decide(self, config: WebhookConfig, ctx: StepContext) -> Advance:
        return Advance()
