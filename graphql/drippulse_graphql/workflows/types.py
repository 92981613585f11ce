"""The type `Workflow`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import orjson
import strawberry
from strawberry.scalars import JSON

from drippulse.workflows.secrets import may_hold_secrets, redact
from drippulse_graphql.enrollments.inputs import ENROLLMENTS_OF_WORKFLOW
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.fields import Table, column, global_id, resolved
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import node_type
from drippulse_graphql.kit.relations import connected
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.workflows.enums import WorkflowStatus
from drippulse_graphql.workflows.funnel import StepFunnel, load_funnels

if TYPE_CHECKING:
    from drippulse_graphql.enrollments.types import Enrollment

TABLE = Table(
    "workflow w JOIN workflow_version v"
    " ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = w.version",
    organization="w.organization_id",
    key="w.id",
    live="w.deleted_at IS NULL",
)


@strawberry.type(description="One step in its canonical shape.")
class Step:
    id: strawberry.ID = strawberry.field(description="Stable; jumps refer to it.")
    type: str
    name: str
    position: int
    config: JSON = strawberry.field(description="The parameters of the step's type; secrets are shown as ********.")


def _steps(parent: strawberry.Parent[Row]) -> list[Row]:
    text: str = parent["steps_json"]
    steps = orjson.loads(text)
    return redact(steps) if may_hold_secrets(text) else steps


async def _funnel(parent: strawberry.Parent[Row], info: Info) -> Row:
    return await info.context.loader(load_funnels).load((parent["number"], parent["steps_json"]))


@strawberry.type(description="A multi-step sequence. Its steps are those of the newest version.")
class Workflow(Node):
    id: strawberry.ID = global_id("w.id")
    database_id: strawberry.ID = column("w.id::text", description="The integer id that REST uses.")
    name: str = column("w.name")
    description: str = column("w.description")
    status: WorkflowStatus = column("w.status", decode=WorkflowStatus)
    version: int = column(
        "w.version", description="Rises when steps change; enrollments keep the version they began on."
    )
    steps: list[Step] = resolved(_steps, keys={"steps_json": "v.steps"})
    integrations: JSON = column("w.integrations", decode=orjson.loads)
    project_id: strawberry.ID | None = column("w.project_id::text", description="The integer id of its project.")
    settings: JSON = column(
        "v.settings", decode=orjson.loads, description="Re-entry, exit criteria and goals of the newest version."
    )
    has_draft: bool = column("w.draft IS NOT NULL", description="Whether changes wait to be published.")
    created_at: datetime = column("w.created_at")
    updated_at: datetime = column("w.updated_at")
    step_funnel: StepFunnel = resolved(
        _funnel,
        keys={"number": "w.id", "steps_json": "v.steps"},
        description="How many runs stand on each step of the newest version, and how all of them fare.",
    )
    enrollments: Connection[Annotated["Enrollment", strawberry.lazy("drippulse_graphql.enrollments.types")]] = (
        connected(ENROLLMENTS_OF_WORKFLOW, key="w.id")
    )


WORKFLOW = node_type(Workflow, TABLE)
