"""The mutation `decideApproval`."""

from typing import Any

from drippulse.approvals import service
from drippulse.approvals.schemas import ApprovalOut, Decision
from drippulse.organizations.policy import Permission
from drippulse_graphql.approvals.answers import APPROVAL
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.DECIDE_APPROVALS, about=APPROVAL, body=Decision, answers=ApprovalOut)
async def decide_approval(call: Call[Decision]) -> Any:
    """Says yes or no, once. Members of `output` are merged into the contact's data. The run goes on at once; a
    paused one when it is resumed. Whoever enrolled the contact does not decide."""
    return await service.decide(call.session, call.principal, call.services.waker, call.id, call.body)
