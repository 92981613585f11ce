"""Filter and order of enrollments."""

from dataclasses import replace
from enum import Enum

import strawberry

from drippulse.enrollments.expressions import MATCHES
from drippulse.workflows.queries import like
from drippulse_graphql.enrollments.enums import EnrollmentStatus
from drippulse_graphql.kit.ids import id_of
from drippulse_graphql.kit.inputs import Direction, text
from drippulse_graphql.kit.lists import Listed
from drippulse_graphql.kit.pages import Condition, Order


@strawberry.input(description="Which enrollments; what is left out does not filter.")
class EnrollmentFilter:
    workflow_id: strawberry.ID | None = None
    status: EnrollmentStatus | None = None
    q: str | None = strawberry.field(default=None, description="Part of email, name or leadRef, in any case.")
    lead_ref: str | None = None
    step_index: int | None = None


@strawberry.enum(description="What enrollments are ordered by.")
class EnrollmentOrderField(Enum):
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NEXT_RUN_AT = "next_run_at"
    EMAIL = "email"


@strawberry.input
class EnrollmentOrder:
    field: EnrollmentOrderField
    direction: Direction = Direction.DESC


ORDERS = {
    EnrollmentOrderField.CREATED_AT: ("e.id", "bigint"),
    EnrollmentOrderField.UPDATED_AT: ("e.updated_at", "timestamptz"),
    # a run that is not scheduled comes after every one that is
    EnrollmentOrderField.NEXT_RUN_AT: ("coalesce(e.next_run_at, 'infinity')", "timestamptz"),
    EnrollmentOrderField.EMAIL: ("e.email", "text"),
}


def order_of(order: EnrollmentOrder | None) -> Order:
    """Newest first unless told otherwise."""
    order = order or EnrollmentOrder(field=EnrollmentOrderField.CREATED_AT)
    return Order(*ORDERS[order.field], descending=order.direction is Direction.DESC)


def conditions_of(chosen: EnrollmentFilter | None) -> tuple[Condition, ...]:
    """Raises ValidationError."""
    if chosen is None:
        return ()
    found: list[Condition] = []
    if chosen.workflow_id is not None:
        number = id_of(chosen.workflow_id, "Workflow", field="filter.workflowId")
        found.append(Condition("e.workflow_id = {}", number))
    if chosen.status is not None:
        found.append(Condition("e.status = {}", chosen.status.value))
    if chosen.lead_ref is not None:
        found.append(Condition("e.lead_ref = {}", text("leadRef", chosen.lead_ref)))
    if chosen.step_index is not None:
        found.append(Condition("e.current_step_index = {}", chosen.step_index))
    if chosen.q:
        found.append(Condition(MATCHES, like(text("q", chosen.q))))
    return tuple(found)


ENROLLMENTS = Listed("enrollments", "Enrollment", order_of, conditions_of, EnrollmentFilter, EnrollmentOrder)
ENROLLMENTS_OF_WORKFLOW = replace(ENROLLMENTS, parent="e.workflow_id")
