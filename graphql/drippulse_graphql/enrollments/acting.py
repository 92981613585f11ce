"""What operators do to one run."""

from typing import Any

from drippulse.enrollments import control
from drippulse.enrollments.control import Order
from drippulse.enrollments.lookup import workflow_of
from drippulse_graphql.kit.running import Call


async def act(call: Call[Any], order: Order) -> dict[str, Any]:
    """Do it to the run that the call is about. Raises NotFoundError, ActionRefusedError."""
    workflow_id = await workflow_of(call.session, call.principal, call.id)
    await control.act_on_one(call.session, call.principal, workflow_id, call.id, order)
    call.wake()
    return {"id": call.id}
