"""`log`: a line in the timeline."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field, field_validator

from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.texts import template_problems


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogConfig(StepConfig):
    message: str = Field(description="What to log; a Liquid template.")
    level: Level = Field(default=Level.INFO, description="How much it matters.")

    @field_validator("level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        text = value.strip().lower() if isinstance(value, str) else value
        return "warning" if text == "warn" else text


class LogStep(PureStep[LogConfig]):
    type: ClassVar[str] = "log"
    label: ClassVar[str] = "Log"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = "Writes a line into the enrollment's timeline."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Logs as in a live run."
    config_model = LogConfig

    def problems(self, config: LogConfig) -> Iterator[Problem]:
        yield from template_problems("message", config.message)

    def decide(self, config: LogConfig, ctx: StepContext) -> Advance:
        return Advance(logs=(f"[{config.level.value}] {ctx.render(config.message)}",))
