"""The mutation `createOpportunityPipeline`."""

from typing import Any

from drippulse.crm.pipelines import service
from drippulse.crm.pipelines.schemas import PipelineCreate, PipelineOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=PipelineCreate, answers=PipelineOut)
async def create_opportunity_pipeline(call: Call[PipelineCreate]) -> Any:
    """Copies the organization's default, stages and all. The caller owns it; with an API key the member who made the
    key does."""
    return await service.create_pipeline(call.session, call.principal, call.body)
