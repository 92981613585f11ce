"""The mutation `resolveUnknownSends`."""

from typing import Any

from drippulse.enrollments import unknown_sends
from drippulse.enrollments.unknown_schemas import ResolveUnknown, ResolveUnknownOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=ResolveUnknown, answers=ResolveUnknownOut, called="result", apart=True)
async def resolve_unknown_sends(call: Call[ResolveUnknown]) -> Any:
    """Sends mails whose outcome is unknown once more, or lets them be."""
    try:
        return await unknown_sends.resolve(call.transaction, call.principal, call.id, call.body)
    finally:
        await call.services.waker.wake()
