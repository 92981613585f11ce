"""The mutation `createSuppression`."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.sending import suppressions
from drippulse.sending.schemas import SuppressionCreate, SuppressionOut
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=SuppressionCreate, answers=SuppressionOut)
async def create_suppression(call: Call[SuppressionCreate]) -> Any:
    """No mail begins for this address any more. Doing it again changes nothing."""
    entry, _ = await suppressions.add(call.session, call.principal, call.body)
    return entry
