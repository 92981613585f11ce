"""`agent`: a task for an agent. Agents do not run here yet, so a workflow with it stays a draft."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from drippulse.workflows.errors import StepError
from drippulse.workflows.steps.base import Category, Decision, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.texts import template_problems

UNAVAILABLE = (
    "agents are not available yet, so a workflow with an agent step stays a draft. Take the step out to publish"
)


class AgentConfig(StepConfig):
    agent_id: int | None = Field(default=None, gt=0, description="The agent; or give template_id.")
    template_id: str | int | None = Field(default=None, description="The agent template, instead of agent_id.")
    input: Any = Field(default=None, description="What the agent gets: a Liquid text, or JSON with templates in it.")
    output_key: str = Field(
        default="agent", min_length=1, max_length=200, description="Where its result stands in the contact's data."
    )


class AgentStep(PureStep[AgentConfig]):
    type: ClassVar[str] = "agent"
    label: ClassVar[str] = "Agent"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = "Gives an agent a task. Drafts may hold it; agents are not available yet."
    guarantee: ClassVar[Guarantee] = Guarantee.AT_LEAST_ONCE
    test_behaviour: ClassVar[str] = "Fails, because agents are not available yet."
    unavailable: ClassVar[str | None] = UNAVAILABLE
    config_model = AgentConfig

    def problems(self, config: AgentConfig) -> Iterator[Problem]:
        if (config.agent_id is None) == (config.template_id is None):
            yield Problem("agent_id", "or `template_id` is needed, one of the two")
        yield from template_problems("input", config.input)

    def decide(self, config: AgentConfig, ctx: StepContext) -> Decision:
        raise StepError("Agents are not available yet; take the agent step out.", code="agents_unavailable")
