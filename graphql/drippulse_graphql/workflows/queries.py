"""`stepTypes`: what workflows can be made of."""

import strawberry
from strawberry.scalars import JSON

from drippulse.workflows.catalog import step_types as catalog
from drippulse_graphql.kit.selection import Row


@strawberry.type(description="A parameter of a step type.")
class StepField:
    name: str
    type: str
    required: bool
    default: JSON | None
    help: str


@strawberry.type(description="A step type, as a builder needs it.")
class StepType:
    type: str
    label: str
    category: str
    description: str
    config_schema: JSON = strawberry.field(description="JSON Schema of config.")
    fields: list[StepField]
    outputs: JSON = strawberry.field(description="What the step adds to the run's data: name -> sentence.")
    guarantee: str
    test_behaviour: str


def step_types() -> list[Row]:
    return catalog()["step_types"]
