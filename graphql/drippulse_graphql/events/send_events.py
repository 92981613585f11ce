"""The mutation `sendEvents`."""

from typing import Any

from drippulse.events import intake
from drippulse.events.schemas import EventBatch, EventBatchOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=EventBatch, answers=EventBatchOut, called="result")
async def send_events(call: Call[EventBatch]) -> Any:
    """Up to 1,000 events in the order they happened, each with the fields of `SendEventInput` as REST spells them.
    Those that are not valid are left out and named."""
    return await intake.receive_batch(call.session, call.principal, call.services.waker, call.body.events)
