"""The mutation `updateOpportunityPipeline`."""

from typing import Any

from drippulse.crm.pipelines import service
from drippulse.crm.pipelines.schemas import PipelineOut, PipelineUpdate
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import PIPELINE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=PIPELINE, body=PipelineUpdate, answers=PipelineOut)
async def update_opportunity_pipeline(call: Call[PipelineUpdate]) -> Any:
    """Its name and stages: an entry without an id adds a stage, one with an id changes it, `delete` deletes it, and
    `moveTo` says where its opportunities go. Stages that are not named stay."""
    return await service.update_pipeline(call.session, call.principal, call.id, call.body)
