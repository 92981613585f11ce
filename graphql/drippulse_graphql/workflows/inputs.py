"""Filter and order of workflows."""

from enum import Enum

import strawberry

from drippulse.workflows.queries import like
from drippulse_graphql.kit.inputs import Direction, text
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.pages import Condition, Order
from drippulse_graphql.workflows.enums import WorkflowStatus


@strawberry.input(description="Which workflows; what is left out does not filter.")
class WorkflowFilter:
    status: WorkflowStatus | None = None
    q: str | None = strawberry.field(default=None, description="Part of the name or the description, in any case.")


@strawberry.enum(description="What workflows are ordered by.")
class WorkflowOrderField(Enum):
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NAME = "name"


@strawberry.input
class WorkflowOrder:
    field: WorkflowOrderField
    direction: Direction = Direction.DESC


ORDERS = {
    WorkflowOrderField.CREATED_AT: ("w.id", "bigint"),
    WorkflowOrderField.UPDATED_AT: ("w.updated_at", "timestamptz"),
    WorkflowOrderField.NAME: ("lower(w.name)", "text"),
}


def order_of(order: WorkflowOrder | None) -> Order:
    """Newest first unless told otherwise."""
    order = order or WorkflowOrder(field=WorkflowOrderField.CREATED_AT)
    return Order(*ORDERS[order.field], descending=order.direction is Direction.DESC)


def conditions_of(chosen: WorkflowFilter | None) -> tuple[Condition, ...]:
    """Raises ValidationError."""
    if chosen is None:
        return ()
    found: list[Condition] = []
    if chosen.status is not None:
        found.append(Condition("w.status = {}", chosen.status.value))
    if chosen.q:
        found.append(Condition("(w.name ILIKE {} OR w.description ILIKE {})", like(text("q", chosen.q))))
    return tuple(found)


WORKFLOWS = Listed("workflows", "Workflow", order_of, conditions_of, WorkflowFilter, WorkflowOrder)
