"""The mutation `setDefaultOpportunityPipeline`."""

from typing import Any

from drippulse.crm.pipelines import service
from drippulse.crm.pipelines.schemas import DefaultPipeline
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import PIPELINE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=PIPELINE, answers=DefaultPipeline, called="default")
async def set_default_opportunity_pipeline(call: Call[None]) -> Any:
    """New opportunities of this person go there unless they name a pipeline. Others are not concerned."""
    return await service.set_default(call.session, call.principal, call.id)
