"""The mutation `resumeWorkflow`."""

from typing import Any

from drippulse.enrollments.control_schemas import WorkflowHoldsOut
from drippulse.enrollments.holding import ResumePolicy
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=ResumePolicy, answers=WorkflowHoldsOut)
async def resume_workflow(call: Call[ResumePolicy]) -> Any:
    """Lets the runs go on by the policy that is sent; its status becomes active."""
    call.wake()
    return await pausing.resume_workflow(call.session, call.principal, call.services.vault, call.id, call.body)
