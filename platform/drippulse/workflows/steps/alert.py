"""`alert`: a message to the team, through Slack by default."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

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
from drippulse.workflows.steps.texts import template_problems

ACTION = "post_message"


class AlertConfig(StepConfig):
    integration_id: str = Field(default="slack", min_length=1, description="Which integration posts the message.")
    connection_key: str = Field(
        default="default", min_length=1, max_length=200, description="Which of its connections to use."
    )
    channel: str | None = Field(
        default=None, description="Where to post, such as #sales; default: the connection's own. A Liquid template."
    )
    message: str = Field(min_length=1, description="What to post; a Liquid template.")


class AlertStep(EffectStep[AlertConfig]):
    type: ClassVar[str] = "alert"
    label: ClassVar[str] = "Alert"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = "Posts a message to your team."
    guarantee: ClassVar[Guarantee] = Guarantee.AT_MOST_ONCE
    test_behaviour: ClassVar[str] = "Posts nothing; logs what it would post. Needs no connection."
    config_model = AlertConfig

    def problems(self, config: AlertConfig) -> Iterator[Problem]:
        if problem := provider_problem(config.integration_id):
            yield problem
        yield from template_problems("message", config.message)
        yield from template_problems("channel", config.channel)

    def prepare(self, config: AlertConfig, ctx: StepContext) -> Prepared:
        payload: dict[str, Any] = {"text": ctx.render(config.message)}
        channel = ctx.render(config.channel).strip() if config.channel else ""
        if channel:
            payload["channel"] = channel
        provider = provider_of(config.integration_id)
        return Prepared(
            request=ConnectorRequest(provider, config.connection_key, ACTION, payload),
            summary={"integration_id": provider, "channel": channel or None, "message": payload["text"]},
            guarantee=self.guarantee,
        )

    def guarantee_of(self, prepared: Prepared, services: Services) -> Guarantee:
        return connector_guarantee(prepared.request, services)

    async def perform(self, prepared: Prepared, ctx: StepContext, services: Services) -> Outcome:
        outcome = await call_connector(prepared.request, ctx, services)
        return replace(outcome, output={})  # the provider's `channel` and the like are no fields of the contact

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        summary = prepared.summary
        where = f" in {summary['channel']}" if summary["channel"] else ""
        return Rehearsal(logs=(f"[test] Would post to {summary['integration_id']}{where}: {summary['message']}",))
