"""The mutation `pauseWorkflow`."""

from typing import Any

from drippulse.enrollments.control_schemas import WorkflowHoldsOut
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, answers=WorkflowHoldsOut)
async def pause_workflow(call: Call[None]) -> Any:
    """Holds every run; the same as setting the status to paused."""
    return await pausing.pause_workflow(call.session, call.principal, call.services.vault, call.id)
