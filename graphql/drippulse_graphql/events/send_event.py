"""The mutation `sendEvent`."""

from typing import Any

from drippulse.events import intake
from drippulse.events.schemas import EventIn, EventOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=EventIn, answers=EventOut)
async def send_event(call: Call[EventIn]) -> Any:
    """Workflows that listen to its type start, go on or end because of it. With an `id` of your own it is taken
    once."""
    received = await intake.receive(call.session, call.principal, call.services.waker, call.body)
    return intake.present(received.row)
