"""Reads of what the watchdog flagged."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.stalls import service
from drippulse.stalls.listing import LISTING
from drippulse.stalls.schemas import StallList
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=StallList, covers=("listStalls",))
async def stalls(call: Reading) -> Any:
    """What the watchdog flagged, newest first. It looks once a minute and resolves by itself what moved on."""
    return await service.list_stalls(call.session, call.principal, call.wanted.value("status"), call.wanted.page)


READS: tuple[Declared, ...] = (stalls,)
