"""`goto`: goes on with another step, at most so often."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from drippulse.workflows.steps.base import Advance, Category, Guarantee, PureStep, StepConfig, StepContext

MOST_VISITS = 900
"""Below the limit at which a walk takes a step for an endless loop."""


class GotoConfig(StepConfig):
    step: str = Field(min_length=1, description="Id of the step to go on with.")
    max_visits: int | None = Field(
        default=None,
        ge=1,
        le=MOST_VISITS,
        description="How often one enrollment jumps here; after that it goes on with the next step. Needed for a loop "
        "without a wait.",
    )


class GotoStep(PureStep[GotoConfig]):
    type: ClassVar[str] = "goto"
    label: ClassVar[str] = "Go to"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = (
        "Goes on with the named step. With `max_visits` an enrollment jumps that many times and then goes on with the "
        "step that follows; the count lasts as long as the enrollment."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Jumps and counts as in a live run."
    config_model = GotoConfig

    def decide(self, config: GotoConfig, ctx: StepContext) -> Advance:
        if config.max_visits is None:
            return Advance(to=config.step)
        if ctx.step_visits > config.max_visits:
            return Advance(logs=(f"Jumped {config.max_visits} times: goes on with the next step",))
        return Advance(to=config.step, logs=(f"Jump {ctx.step_visits} of {config.max_visits}",))

    def targets(self, config: GotoConfig) -> Iterator[tuple[str, str]]:
        yield "step", config.step

    def falls_through(self, config: GotoConfig) -> bool:
        return config.max_visits is not None

    def jumps_are_bounded(self, config: GotoConfig) -> bool:
        return config.max_visits is not None
