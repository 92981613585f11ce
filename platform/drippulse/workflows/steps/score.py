"""`score`: points by rules, a tier by points, and whether it is enough."""

import math
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode, evaluate
from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.verdicts import verdict_logs

MAX_RULES = 50
MAX_POINTS = 1_000_000
DECIMALS = 6
TIER, QUALIFIED, NORMALIZED = "tier", "qualified", "normalized"


class ScoreRule(BaseModel):
    """Points for what is known about a contact."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200, description="Shown in the timeline.")
    match: MatchMode = Field(default="all", description="Whether all conditions must hold, or any.")
    conditions: list[Condition] = Field(
        min_length=1, max_length=MAX_CONDITIONS, description="When the points are given."
    )
    points: float = Field(
        ge=-MAX_POINTS, le=MAX_POINTS, allow_inf_nan=False, description="How many; a negative number takes points away."
    )


class Tier(BaseModel):
    """A name for a range of points."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="Such as `hot`.")
    min: float = Field(
        allow_inf_nan=False, description="Fewest points of this tier; it ends where the next one starts."
    )


class ScoreConfig(StepConfig):
    rules: list[ScoreRule] = Field(
        min_length=1, max_length=MAX_RULES, description="All are tried; the points of those that hold are added up."
    )
    tiers: list[Tier] = Field(
        default_factory=list[Tier],
        max_length=50,
        description="{name, min}, in any order; the highest reached is taken.",
    )
    min_score_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of the most points possible (0 to 1) from which a contact is qualified; default: everybody.",
    )
    output_key: str = Field(
        default="score",
        max_length=100,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Field for the points; a field of that name is replaced.",
    )

    @property
    def most(self) -> float:
        """The points of a contact for whom every rule that gives points holds, and none that takes any."""
        return math.fsum(rule.points for rule in self.rules if rule.points > 0)


class ScoreStep(PureStep[ScoreConfig]):
    type: ClassVar[str] = "score"
    label: ClassVar[str] = "Score"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = (
        "Adds up the points of the rules that hold, names the tier, and says whether the contact is qualified: points "
        "divided by the sum of all positive points, kept between 0 and 1, must reach `min_score_threshold`. It decides "
        "nothing by itself; a filter or a branch on `qualified` or `tier` does."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Scores the sample contact as in a live run."
    outputs: ClassVar[dict[str, str]] = {
        "<output_key>": "The points (default key: score).",
        f"<output_key>_{NORMALIZED}": "The points as a share of the most possible, from 0 to 1.",
        TIER: "The name of the highest tier that is reached, or null. A later score step replaces it.",
        QUALIFIED: "false below min_score_threshold, otherwise true. A later score step replaces it.",
    }
    config_model = ScoreConfig

    def problems(self, config: ScoreConfig) -> Iterator[Problem]:
        if config.output_key in (TIER, QUALIFIED):
            yield Problem("output_key", f'"{config.output_key}" is another output of this step; choose another name')
        if config.min_score_threshold and not config.most:
            yield Problem("min_score_threshold", "is never reached: no rule gives points")
        names, floors = set[str](), set[float]()
        for index, tier in enumerate(config.tiers):
            if tier.name in names:
                yield Problem(f"tiers.{index}.name", f'"{tier.name}" is also the name of another tier')
            if tier.min in floors:
                yield Problem(f"tiers.{index}.min", f"{_plain(tier.min)} is also where another tier starts")
            if tier.min > config.most:
                yield Problem(
                    f"tiers.{index}.min", f"is never reached: the rules give {_plain(config.most)} points at most"
                )
            names.add(tier.name)
            floors.add(tier.min)

    def decide(self, config: ScoreConfig, ctx: StepContext) -> Advance:
        logs: list[str] = []
        given: list[float] = []
        for number, rule in enumerate(config.rules, start=1):
            verdict = evaluate(rule.match, rule.conditions, ctx.bag, ctx.now)
            logs += verdict_logs(verdict)
            if verdict.passed:
                given.append(rule.points)
                logs.append(
                    f"Rule {rule.name or number}: {'+' if rule.points >= 0 else ''}{_plain(rule.points)} points"
                )
        output = result(config, given)
        logs.append(f"{output[config.output_key]} of {_plain(config.most)} points, tier {output[TIER] or 'none'}")
        return Advance(output=output, logs=tuple(logs))


def result(config: ScoreConfig, given: list[float]) -> dict[str, Any]:
    """The output for these points."""
    points = round(math.fsum(given), DECIMALS)
    share = round(min(max(points / config.most, 0.0), 1.0), DECIMALS) if config.most else 0.0
    reached = [tier for tier in config.tiers if tier.min <= points]
    return {
        config.output_key: _plain(points),
        f"{config.output_key}_{NORMALIZED}": share,
        TIER: max(reached, key=lambda tier: tier.min).name if reached else None,
        QUALIFIED: share >= (config.min_score_threshold or 0),
    }


def _plain(points: float) -> int | float:
    """Whole points without a fraction."""
    rounded = round(points, DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded
