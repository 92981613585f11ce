"""The subscription `workflowFunnel`: the funnel at once, and after every change."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from drippulse.events.log_reading import LogEntry
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.subscriptions.record_changed import CURSOR
from drippulse_graphql.subscriptions.records import number_of
from drippulse_graphql.subscriptions.source import source, told
from drippulse_graphql.workflows.funnel import StepFunnel, load_funnels

if TYPE_CHECKING:
    from drippulse_graphql.workflows.types import Workflow


@dataclass(frozen=True, slots=True)
class FunnelChanges:
    """Of one workflow. Many changes at once are one."""

    workflow_id: int
    latest_only: bool = True
    first: str | None = "workflow.funnel"

    def takes(self, entry: LogEntry) -> bool:
        return entry.workflow_id == self.workflow_id


async def _workflow(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    return await info.context.loader(load_nodes).load(("Workflow", parent["wanted"].workflow_id))


async def _funnel(parent: strawberry.Parent[Row], info: Info) -> Row | None:
    workflow = await _workflow(parent, info)
    if workflow is None:
        return None
    return await info.context.loader(load_funnels).load((workflow["number"], workflow["steps_json"]))


@strawberry.type(description="The funnel of a workflow after a change.")
class FunnelChange:
    cursor: str = strawberry.field(description=CURSOR)
    type: str = strawberry.field(description="Type of the last event; workflow.funnel for the first message.")
    at: datetime
    funnel: StepFunnel | None = told(_funnel, "Null once the workflow is deleted.")
    workflow: Annotated["Workflow", strawberry.lazy("drippulse_graphql.workflows.types")] | None = told(_workflow)


async def workflow_funnel(
    info: Info, workflow_id: strawberry.ID, after: str | None = None
) -> AsyncGenerator[FunnelChange, None]:
    return source(FunnelChanges(await number_of(info.context, workflow_id, "Workflow", "workflowId")), after)
