"""`branch`: the first branch whose conditions hold decides where to go on."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode, evaluate
from drippulse.workflows.steps.base import Advance, Category, Guarantee, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.verdicts import verdict_logs


class BranchOption(BaseModel):
    """One way to go."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200, description="Shown in the timeline.")
    match: MatchMode = Field(default="all", description="Whether all conditions must hold, or any.")
    conditions: list[Condition] = Field(min_length=1, max_length=MAX_CONDITIONS, description="When this way is taken.")
    goto: str = Field(min_length=1, description="Id of the step to go on with.")


class BranchConfig(StepConfig):
    branches: list[BranchOption] = Field(
        min_length=1, max_length=50, description="Tried in order; the first that holds is taken."
    )
    default_goto: str | None = Field(
        default=None, min_length=1, description="Id of the step to go on with when no branch holds; default: the next."
    )


class BranchStep(PureStep[BranchConfig]):
    type: ClassVar[str] = "branch"
    label: ClassVar[str] = "Branch"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = "Goes to the step of the first branch whose conditions hold."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Decides as in a live run."
    config_model = BranchConfig

    def decide(self, config: BranchConfig, ctx: StepContext) -> Advance:
        logs: tuple[str, ...] = ()
        for number, option in enumerate(config.branches, start=1):
            verdict = evaluate(option.match, option.conditions, ctx.bag, ctx.now)
            logs += verdict_logs(verdict)
            if verdict.passed:
                return Advance(to=option.goto, logs=(*logs, f"Took branch {option.name or number}"))
        return Advance(to=config.default_goto, logs=(*logs, "No branch held: took the default"))

    def targets(self, config: BranchConfig) -> Iterator[tuple[str, str]]:
        for index, option in enumerate(config.branches):
            yield f"branches.{index}.goto", option.goto
        if config.default_goto is not None:
            yield "default_goto", config.default_goto

    def falls_through(self, config: BranchConfig) -> bool:
        return config.default_goto is None
