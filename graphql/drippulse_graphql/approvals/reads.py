"""Reads of approvals."""

from typing import Any

from drippulse.approvals import service
from drippulse.approvals.listing import LISTING
from drippulse.approvals.schemas import ApprovalList, ApprovalOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.approvals.answers import APPROVAL
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=ApprovalList, covers=("listApprovals",))
async def approvals(call: Reading) -> Any:
    """The approvals of the organization, newest first. One whose run has ended or left the step is cancelled."""
    return await service.list_approvals(call.session, call.principal, call.wanted)


@read(Permission.READ, about=APPROVAL, answers=ApprovalOut, covers=("getApproval",))
async def approval(call: Reading) -> Any:
    """What is asked, about whom, until when, and what was decided; null for unknown ids."""
    return await service.get_approval(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (approvals, approval)
