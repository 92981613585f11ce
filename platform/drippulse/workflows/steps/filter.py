"""`filter`: only contacts that pass go on."""

from typing import ClassVar, Literal

from pydantic import Field

from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode, evaluate
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Finish,
    Guarantee,
    PureStep,
    StepConfig,
    StepContext,
)
from drippulse.workflows.steps.verdicts import verdict_logs


class FilterConfig(StepConfig):
    match: MatchMode = Field(default="all", description="Whether all conditions must hold, or any.")
    conditions: list[Condition] = Field(
        min_length=1, max_length=MAX_CONDITIONS, description="What must hold for the contact to go on."
    )
    on_fail: Literal["exit", "skip"] = Field(
        default="exit",
        description="exit completes the enrollment here; skip jumps over the next step and goes on after it.",
    )


class FilterStep(PureStep[FilterConfig]):
    type: ClassVar[str] = "filter"
    label: ClassVar[str] = "Filter"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = (
        "Lets a contact go on when the conditions hold. Otherwise the enrollment completes (`exit`, reason `filtered`) "
        "or the following step is jumped over (`skip`)."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Decides as in a live run."
    config_model = FilterConfig

    def decide(self, config: FilterConfig, ctx: StepContext) -> Decision:
        verdict = evaluate(config.match, config.conditions, ctx.bag, ctx.now)
        logs = verdict_logs(verdict)
        if verdict.passed:
            return Advance(logs=logs)
        if config.on_fail == "skip":
            return Advance(logs=(*logs, "Not passed: the next step is skipped"), skip_next=True)
        return Finish(reason="filtered", logs=(*logs, "Not passed: the enrollment ends here"))

    def may_skip_next(self, config: FilterConfig) -> bool:
        return config.on_fail == "skip"
