"""The mutation `createWorkflow`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.workflows import service
from drippulse.workflows.schemas import WorkflowCreate, WorkflowOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=WorkflowCreate, answers=WorkflowOut)
async def create_workflow(call: Call[WorkflowCreate]) -> Any:
    """Steps are checked as a whole: unknown types and fields, jumps into nothing, cycles without a wait and
    templates that do not parse are refused with the step and the field named."""
    return await service.create_workflow(call.session, call.principal, call.services.vault, call.body)
