"""`exit`: the enrollment completes here."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from drippulse.workflows.steps.base import Category, Finish, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.texts import template_problems


class ExitConfig(StepConfig):
    reason: str = Field(default="exit", description="Why it ends, shown in the timeline; a Liquid template.")


class ExitStep(PureStep[ExitConfig]):
    type: ClassVar[str] = "exit"
    label: ClassVar[str] = "Exit"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = "Completes the enrollment."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Ends the run."
    config_model = ExitConfig

    def problems(self, config: ExitConfig) -> Iterator[Problem]:
        yield from template_problems("reason", config.reason)

    def decide(self, config: ExitConfig, ctx: StepContext) -> Finish:
        return Finish(reason=ctx.render(config.reason))

    def falls_through(self, config: ExitConfig) -> bool:
        return False
