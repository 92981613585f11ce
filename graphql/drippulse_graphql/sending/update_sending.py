"""The mutation `updateSending`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.sending import service
from drippulse.sending.schemas import SendingUpdate
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.sending.answers import POLICY


@mutation(Permission.ADMINISTER, body=SendingUpdate, answers=POLICY)
async def update_sending(call: Call[SendingUpdate]) -> Any:
    """Each part that is given replaces that part as a whole; null takes it away. Mails that wait for a cap or for quiet
    hours are looked at again at once."""
    call.wake()
    return await service.update_policy(call.session, call.principal, call.body, call.services.clock())
