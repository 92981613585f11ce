"""The mutation `reorderOpportunities`."""

from typing import Any

from drippulse.crm.pipelines import reordering
from drippulse.crm.pipelines.presentation import present_reordered
from drippulse.crm.pipelines.schemas import Reorder, Reordered
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=Reorder, answers=Reordered, called="stage")
async def reorder_opportunities(call: Call[Reorder]) -> Any:
    """The named opportunities come first in the stage, in this order, from whatever stage or pipeline they are in; its
    others follow in the order that they have."""
    done = await reordering.reorder(call.session, call.principal, call.body)
    return present_reordered(*done)
