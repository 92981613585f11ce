"""The mutation `dismissCrmDuplicates`."""

from typing import Any

from drippulse.crm.duplicates import service
from drippulse.crm.duplicates.schemas import Dismissal, DismissalOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=Dismissal, answers=DismissalOut)
async def dismiss_crm_duplicates(call: Call[Dismissal]) -> Any:
    """These records are different: none is suggested together with another of them any more. With `dismissed` false
    they may be suggested again."""
    return await service.dismiss(call.session, call.principal, call.body)
