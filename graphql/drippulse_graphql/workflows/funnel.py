"""`stepFunnel` of a workflow, as REST answers it."""

import strawberry

from drippulse.enrollments import queries
from drippulse.enrollments.presentation import outline, step_funnel
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.selection import Row


@strawberry.type
class StepFunnelStep:
    step_index: int
    step_number: int
    name: str
    type: str
    active_leads: int = strawberry.field(description="Active runs on this step.")
    waiting_leads: int = strawberry.field(description="Those of them that wait for a time in the future.")
    running_leads: int = strawberry.field(description="activeLeads - waitingLeads.")


@strawberry.type
class StepFunnelTotals:
    active: int
    paused: int
    completed: int
    failed: int
    cancelled: int
    total_enrollments: int


@strawberry.type(description="Active runs on a step of an older version that the newest one does not have.")
class StepFunnelOther:
    version: int
    step_id: str
    step_index: int
    name: str
    type: str
    active_leads: int
    waiting_leads: int
    running_leads: int


@strawberry.type
class StepFunnel:
    steps: list[StepFunnelStep]
    other_versions: list[StepFunnelOther]
    totals: StepFunnelTotals


async def load_funnels(context: Context, keys: list[tuple[int, str]]) -> list[Row]:
    """By (workflow id, its steps as JSON text)."""
    records = await queries.counts(context.session, context.organization_id, *(number for number, _ in keys))
    counts: dict[int, list[Row]] = {}
    for record in records:
        counts.setdefault(record["workflow_id"], []).append(dict(record))
    return [step_funnel(outline(steps), counts.get(number, [])) for number, steps in keys]
