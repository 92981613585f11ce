"""The mutation `resetSendingBreaker`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.sending import service
from drippulse.sending.schemas import ResetBreaker
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.sending.answers import STATUS


@mutation(Permission.ADMINISTER, body=ResetBreaker, answers=STATUS)
async def reset_sending_breaker(call: Call[ResetBreaker]) -> Any:
    """Lets mail go again, with the rates beginning anew."""
    call.wake()
    return await service.reset_breaker(call.session, call.principal, call.body.note)
