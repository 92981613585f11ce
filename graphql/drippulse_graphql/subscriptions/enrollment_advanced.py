"""The subscription `enrollmentAdvanced`: runs as they start, go from step to step, are held, end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from drippulse.events.log_reading import LogEntry
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.subscriptions.record_changed import CURSOR
from drippulse_graphql.subscriptions.records import number_of, record_of
from drippulse_graphql.subscriptions.source import source, told

if TYPE_CHECKING:
    from drippulse_graphql.enrollments.types import Enrollment


@dataclass(frozen=True, slots=True)
class Advances:
    """Of one workflow, of one run, or of all."""

    workflow_id: int | None
    enrollment_id: int | None
    latest_only: bool = False
    first: str | None = None

    def takes(self, entry: LogEntry) -> bool:
        return (
            entry.record_type == "enrollment"
            and self.workflow_id in {None, entry.workflow_id}
            and (self.enrollment_id is None or entry.record_id == str(self.enrollment_id))
        )


async def _enrollment(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await record_of(info.context, parent["entry"])


@strawberry.type(description="A run started, went on, was held, or came to its end.")
class EnrollmentAdvance:
    cursor: str = strawberry.field(description=CURSOR)
    type: str = strawberry.field(description="Type of the event, such as enrollment.completed.")
    at: datetime
    enrollment: Annotated["Enrollment", strawberry.lazy("drippulse_graphql.enrollments.types")] | None = told(
        _enrollment, "The run as it is now; null once it is deleted."
    )


async def enrollment_advanced(
    info: Info,
    workflow_id: strawberry.ID | None = None,
    enrollment_id: strawberry.ID | None = None,
    after: str | None = None,
) -> AsyncGenerator[EnrollmentAdvance, None]:
    workflow = None if workflow_id is None else await number_of(info.context, workflow_id, "Workflow", "workflowId")
    run = None
    if enrollment_id is not None:
        run = await number_of(info.context, enrollment_id, "Enrollment", "enrollmentId")
    return source(Advances(workflow, run), after)
