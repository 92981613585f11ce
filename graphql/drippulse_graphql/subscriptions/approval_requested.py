"""The subscription `approvalRequested`: runs that have come to an approval step and wait for somebody."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from drippulse.events.log_reading import LogEntry
from drippulse_graphql.kit.context import Context, Info
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.subscriptions.record_changed import CURSOR
from drippulse_graphql.subscriptions.source import source, told

if TYPE_CHECKING:
    from drippulse_graphql.enrollments.types import Enrollment
    from drippulse_graphql.workflows.types import Workflow

REQUESTED = "approval.requested"
APPROVALS = """SELECT a.id, a.message, a.role, a.step_id, a.due_at, a.workflow_id, a.enrollment_id FROM approval a
WHERE a.organization_id = $1 AND a.id = ANY ($2::bigint[])"""


@dataclass(frozen=True, slots=True)
class Requests:
    latest_only: bool = False
    first: str | None = None

    def takes(self, entry: LogEntry) -> bool:
        return entry.type == REQUESTED and entry.number is not None


async def load_approvals(context: Context, keys: list[int]) -> list[Row | None]:
    records = await context.session.fetch(APPROVALS, context.organization_id, keys)
    found = {record["id"]: dict(record) for record in records}
    return [found.get(key) for key in keys]


async def _request(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await info.context.loader(load_approvals).load(parent["entry"].number)


async def _workflow(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await info.context.loader(load_nodes).load(("Workflow", parent["workflow_id"]))


async def _enrollment(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await info.context.loader(load_nodes).load(("Enrollment", parent["enrollment_id"]))


@strawberry.type(description="What somebody is asked to approve.")
class ApprovalRequest:
    id: strawberry.ID = strawberry.field(description="The integer id that REST uses.")
    message: str
    role: str = strawberry.field(description="The least role that decides: Approver or Admin.")
    step_id: strawberry.ID
    due_at: datetime | None = strawberry.field(description="When it expires; null for never.")
    workflow: Annotated["Workflow", strawberry.lazy("drippulse_graphql.workflows.types")] | None = told(_workflow)
    enrollment: Annotated["Enrollment", strawberry.lazy("drippulse_graphql.enrollments.types")] | None = told(
        _enrollment
    )


@strawberry.type(description="A run waits for an approval.")
class ApprovalRequested:
    cursor: str = strawberry.field(description=CURSOR)
    type: str
    at: datetime
    request: ApprovalRequest | None = told(_request, "Null once it is deleted.")


async def approval_requested(info: Info, after: str | None = None) -> AsyncGenerator[ApprovalRequested, None]:
    return source(Requests(), after)
