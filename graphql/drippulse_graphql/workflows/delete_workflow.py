"""The mutation `deleteWorkflow`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.workflows import service
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW)
async def delete_workflow(call: Call[None]) -> Any:
    """Deletes the workflow and cancels what is enrolled in it."""
    await service.delete_workflow(call.session, call.principal, call.id)
