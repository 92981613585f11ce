"""Reads of pipelines."""

from typing import Annotated, Any

import strawberry

from drippulse.crm.pipelines import service
from drippulse.crm.pipelines.listing import LISTING
from drippulse.crm.pipelines.schemas import Board, PipelineList
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import PIPELINE
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read

PER_STAGE = Annotated[int, strawberry.argument(description="Opportunities of each stage, 1 to 200.")]


@read(Permission.READ, listing=LISTING, answers=PipelineList, covers=("listOpportunityPipelines",))
async def pipelines(call: Reading) -> Any:
    """The organization's pipelines and the caller's own, each with its stages in order: the organization's default
    first, then the newest."""
    return await service.list_pipelines(call.session, call.principal, call.wanted)


@read(Permission.READ, about=PIPELINE, answers=Board, covers=("getPipelineBoard",))
async def pipeline_board(call: Reading, per_stage: PER_STAGE = 50) -> Any:
    """Every stage with its totals and its first opportunities; null for unknown ids."""
    return await service.board(call.session, call.principal, call.id, per_stage)


READS: tuple[Declared, ...] = (pipelines, pipeline_board)
