"""`integration_action`: one action of an external tool adapter (seed: API reference, "External tool adapters")."""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from pydantic import Field

from drippulse.integrations.providers import CREDENTIAL_FIELDS
from drippulse.workflows.steps.base import (
    Category,
    EffectStep,
    Guarantee,
    Outcome,
    Prepared,
    Problem,
    Rehearsal,
    Services,
    StepConfig,
    StepContext,
)
from drippulse.workflows.steps.connector_calls import (
    ConnectorRequest,
    call_connector,
    connector_guarantee,
    provider_of,
    provider_problem,
)
from drippulse.workflows.steps.texts import MAX_DEPTH, render_json, template_problems


class IntegrationActionConfig(StepConfig):
    integration_id: str = Field(min_length=1, description="Provider or alias, such as zendesk, gmail or hs.")
    action: str = Field(
        min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*$", description="What to do, such as create_ticket."
    )
    payload: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="The action's input. Texts in it, however deep, are Liquid templates.",
    )
    connection_key: str = Field(
        default="default", min_length=1, max_length=200, description="Which of the provider's connections to use."
    )


class IntegrationActionStep(EffectStep[IntegrationActionConfig]):
    type: ClassVar[str] = "integration_action"
    label: ClassVar[str] = "Integration action"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = "Calls an action of a connected tool with credentials from its integration connection."
    guarantee: ClassVar[Guarantee] = Guarantee.AT_MOST_ONCE
    test_behaviour: ClassVar[str] = "Calls nothing; logs what it would call. Needs no connection."
    outputs: ClassVar[dict[str, str]] = {"<key>": "What the action answers, each key under its own name."}
    config_model = IntegrationActionConfig

    def problems(self, config: IntegrationActionConfig) -> Iterator[Problem]:
        if problem := provider_problem(config.integration_id):
            yield problem
        yield from template_problems("payload", config.payload)
        for path in credentials_in(config.payload, "payload"):
            yield Problem(path, "is a secret, which belongs into an integration connection and never into a workflow")

    def prepare(self, config: IntegrationActionConfig, ctx: StepContext) -> Prepared:
        provider = provider_of(config.integration_id)
        payload = cast("dict[str, Any]", render_json(config.payload, ctx))
        return Prepared(
            request=ConnectorRequest(provider, config.connection_key, config.action, payload),
            summary={"integration_id": provider, "action": config.action, "payload": payload},
            guarantee=self.guarantee,
        )

    def guarantee_of(self, prepared: Prepared, services: Services) -> Guarantee:
        return connector_guarantee(prepared.request, services)

    async def perform(self, prepared: Prepared, ctx: StepContext, services: Services) -> Outcome:
        return await call_connector(prepared.request, ctx, services)

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        summary = prepared.summary
        return Rehearsal(logs=(f"[test] Would call {summary['integration_id']} {summary['action']}",))


def credentials_in(value: Any, path: str, depth: int = 0) -> Iterator[str]:
    """Paths of texts that are named like a credential."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            if key.lower() in CREDENTIAL_FIELDS and isinstance(item, str) and item:
                yield f"{path}.{key}"
            else:
                yield from credentials_in(item, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from credentials_in(item, f"{path}.{index}", depth + 1)
