"""Reads of the event log."""

from typing import Any

from drippulse.events.listing import LISTING, list_log
from drippulse.events.schemas import EventList
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=EventList, covers=("listEvents",))
async def events(call: Reading) -> Any:
    """What happened in the organization, newest first: the platform's own events and those that were sent."""
    return await list_log(call.session, call.principal, call.wanted)


READS: tuple[Declared, ...] = (events,)
