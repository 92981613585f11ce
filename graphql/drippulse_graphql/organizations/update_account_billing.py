"""The mutation `updateAccountBilling`."""

from typing import Any

from drippulse.organizations.billing import service
from drippulse.organizations.billing.schemas import BillingOut, BillingUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.ADMINISTER, body=BillingUpdate, answers=BillingOut)
async def update_account_billing(call: Call[BillingUpdate]) -> Any:
    """Fields left out stay as they are, members of `address` too; null takes one away."""
    return await service.update_billing(call.session, call.principal, call.body)
