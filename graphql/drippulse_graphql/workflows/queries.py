"""Root fields of workflows."""

import strawberry
from strawberry.scalars import JSON

from drippulse.workflows.catalog import step_types as catalog
from drippulse_graphql.kit.connections import connect
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.cursors import scope_of
from drippulse_graphql.kit.ids import id_of
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.pages import Listing, page_arguments
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.workflows.inputs import WorkflowFilter, WorkflowOrder, conditions_of, order_of
from drippulse_graphql.workflows.types import WORKFLOW


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


async def workflow(info: Info, id: strawberry.ID) -> Row | None:  # noqa: A002 - the argument's name in the schema
    return await info.context.loader(load_nodes).load((WORKFLOW.name, id_of(id, WORKFLOW.name)))


async def workflows(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: WorkflowFilter | None = None,  # noqa: A002 - the argument's name in the schema
    order_by: WorkflowOrder | None = None,
) -> Row:
    order, conditions = order_of(order_by), conditions_of(filter)
    scope = scope_of("workflows", order, conditions)
    page = page_arguments(scope, first, after, last, before, cast=order.cast)
    return await connect(info.context, Listing(WORKFLOW.table, WORKFLOW.selection, order, conditions), scope, page)


def step_types() -> list[Row]:
    return catalog()["step_types"]
