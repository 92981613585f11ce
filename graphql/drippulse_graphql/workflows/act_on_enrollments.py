"""The mutation `actOnEnrollments`."""

from typing import Any

from drippulse.enrollments import control
from drippulse.enrollments.control_schemas import BulkAction, BulkActionOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=BulkAction, answers=BulkActionOut, called="result", apart=True)
async def act_on_enrollments(call: Call[BulkAction]) -> Any:
    """Pauses, resumes, cancels, retries or decides about every run of the workflow that the filter lets through.
    Runs that the action does not fit are skipped and counted by reason."""
    try:
        return await control.act_on_many(call.transaction, call.principal, call.id, call.body)
    finally:
        await call.services.waker.wake()
