"""The mutation `updateAccount`."""

from typing import Any

from drippulse.organizations.account import service
from drippulse.organizations.account.schemas import OrganizationOut, OrganizationUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=OrganizationUpdate, answers=OrganizationOut, called="account")
async def update_account(call: Call[OrganizationUpdate]) -> Any:
    """Fields left out stay as they are, members of `branding`, `sender` and `retention` too; null takes a member
    away."""
    call.session.after_commit(call.services.trusted_documents.forget_after_commit)
    return await service.update_account(call.session, call.principal, call.body)
