"""The mutation `deleteEnrollment`."""

from typing import Any

from drippulse.enrollments import service
from drippulse.enrollments.lookup import workflow_of
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=ENROLLMENT)
async def delete_enrollment(call: Call[None]) -> Any:
    """Removes one run and stops its future."""
    workflow_id = await workflow_of(call.session, call.principal, call.id)
    await service.delete_enrollment(call.session, call.principal, workflow_id, call.id)
