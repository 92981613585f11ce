"""The mutation `repairStalls`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.stalls import service
from drippulse.stalls.schemas import Repair, RepairOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=Repair, answers=RepairOut, called="result")
async def repair_stalls(call: Call[Repair]) -> Any:
    """Gives the stalled runs back to the engine, all open ones or those named. What moved on meanwhile is left
    alone."""
    return await service.repair(call.session, call.principal, call.services.waker, call.body)
