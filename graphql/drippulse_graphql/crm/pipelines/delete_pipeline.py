"""The mutation `deleteOpportunityPipeline`."""

from typing import Any

from drippulse.crm.pipelines import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import PIPELINE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=PIPELINE)
async def delete_opportunity_pipeline(call: Call[None]) -> Any:
    """An empty one; the organization's default stays."""
    await service.delete_pipeline(call.session, call.principal, call.id)
