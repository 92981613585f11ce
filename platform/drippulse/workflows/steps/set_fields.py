"""`set_fields`: puts values into the contact's data for the steps that follow."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext
from drippulse.workflows.steps.texts import template_problems

MAX_FIELDS = 100


class SetFieldsConfig(StepConfig):
    fields: dict[str, Any] = Field(
        min_length=1,
        max_length=MAX_FIELDS,
        description="Name -> value. Texts are Liquid templates and give text; other JSON values pass as they are.",
    )


class SetFieldsStep(PureStep[SetFieldsConfig]):
    type: ClassVar[str] = "set_fields"
    label: ClassVar[str] = "Set fields"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = (
        "Sets top-level fields of the contact's data; a field that exists is replaced as a whole."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Sets the fields as in a live run."
    outputs: ClassVar[dict[str, str]] = {"<field>": "Each configured field under its own name."}
    config_model = SetFieldsConfig

    def problems(self, config: SetFieldsConfig) -> Iterator[Problem]:
        for name, value in config.fields.items():
            if not name.strip():
                yield Problem("fields", "has a field without a name")
            if isinstance(value, str):
                yield from template_problems(f"fields.{name}", value)

    def decide(self, config: SetFieldsConfig, ctx: StepContext) -> Advance:
        return Advance(
            output={
                name: ctx.render(value) if isinstance(value, str) else value for name, value in config.fields.items()
            }
        )
