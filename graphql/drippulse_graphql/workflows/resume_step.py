"""The mutation `resumeStep`."""

from typing import Any

from pydantic import Field

from drippulse.enrollments.control_schemas import WorkflowHoldsOut
from drippulse.enrollments.holding import ResumePolicy
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


class ResumeStep(ResumePolicy):
    """Which step, and how."""

    step_id: str = Field(description="Id of a step of any version of that workflow.")


@mutation(Permission.WRITE, about=WORKFLOW, body=ResumeStep, answers=WorkflowHoldsOut)
async def resume_step(call: Call[ResumeStep]) -> Any:
    """Lets those on the step go on by the policy that is sent."""
    call.wake()
    return await pausing.resume_step(call.session, call.principal, call.id, call.body.step_id, call.body)
