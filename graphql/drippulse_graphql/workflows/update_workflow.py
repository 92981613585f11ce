"""The mutation `updateWorkflow`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.workflows import service
from drippulse.workflows.schemas import WorkflowOut, WorkflowUpdate
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=WorkflowUpdate, answers=WorkflowOut)
async def update_workflow(call: Call[WorkflowUpdate]) -> Any:
    """Fields left out stay as they are. Changed steps make a new version; runs under way stay on the one they
    started on. `status` activates, pauses and archives. A secret sent as ******** stays what it was."""
    call.wake()  # resuming lets go of what is due
    return await service.update_workflow(call.session, call.principal, call.services.vault, call.id, call.body)
