"""The mutation `pauseStep`."""

from typing import Any

from pydantic import Field

from drippulse.enrollments.control_schemas import WorkflowHoldsOut
from drippulse.kit.validation import Input
from drippulse.organizations.policy import Permission
from drippulse.workflows import pausing
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


class PauseStep(Input):
    """Which step."""

    step_id: str = Field(description="Id of a step of any version of that workflow.")


@mutation(Permission.WRITE, about=WORKFLOW, body=PauseStep, answers=WorkflowHoldsOut)
async def pause_step(call: Call[PauseStep]) -> Any:
    """Holds those who stand on the step and whoever comes to it; all others go on."""
    return await pausing.pause_step(call.session, call.principal, call.id, call.body.step_id)
