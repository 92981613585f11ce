"""What goes into pipelines and comes out of them."""

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, create_model, model_validator

from drippulse.crm.records import SPECS
from drippulse.crm.schemas import Percent, Reference
from drippulse.crm.tables import OpportunityStatus, RecordType
from drippulse.kit.validation import Input, Trimmed

MAX_STAGES = 100
MAX_ORDERED = 1000
MAX_PER_STAGE = 200
"""Opportunities of a stage that a board shows."""
PipelineName = Annotated[str, Trimmed(200)]
StageType = Annotated[OpportunityStatus, Field(strict=False, description="The status of the opportunities in it.")]
STAGE_READ_ONLY = frozenset({"public_id", "pipeline_id", "opportunity_count", "totals", "opportunities", "created_at"})


class PipelineCreate(Input):
    """A pipeline of one's own: a copy of the organization's default with another name."""

    name: PipelineName


class StageChange(Input):
    """One stage: without an id a new one. What is left out stays."""

    id: Reference | None = None
    name: PipelineName | None = None
    stage_type: StageType | None = None
    probability: Percent | None = Field(
        default=None, description="Percent; counts for opportunities without their own."
    )
    position: Annotated[int, Field(ge=1, le=MAX_STAGES)] | None = Field(
        default=None, description="Where it shall stand, from 1. Left out or as it is: the order of the list decides."
    )
    delete: bool = Field(default=False, description="Delete it. Its opportunities go to move_to.")
    move_to: Reference | None = Field(default=None, description="A stage of this pipeline; of a deleted one.")

    @model_validator(mode="before")
    @classmethod
    def _without_echo(cls, value: Any) -> Any:
        """A stage as an answer shows it is taken as it is; its public id will do for its id."""
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        kept = {name: part for name, part in given.items() if name not in STAGE_READ_ONLY}
        if kept.get("id") is None and given.get("public_id") is not None:
            kept["id"] = given["public_id"]
        return kept


class PipelineUpdate(Input):
    """Stages that are not named stay where they are."""

    name: PipelineName | None = None
    stages: list[StageChange] | None = Field(default=None, max_length=2 * MAX_STAGES)


class Reorder(Input):
    """The first opportunities of a stage, in their order."""

    pipeline_stage_id: Reference
    ordered_ids: list[Reference] = Field(
        max_length=MAX_ORDERED, description="UUIDs or public ids, each once. They come here from wherever they are."
    )


class Amounts(BaseModel):
    """What the opportunities of one currency sum up to."""

    currency: str
    opportunity_count: int
    amount: float = Field(description="Sum of the amounts; those without one count 0.")
    weighted_amount: float = Field(description="The same, each times its probability, or its stage's.")


class StageOut(BaseModel):
    """A stage."""

    id: str
    public_id: str
    name: str
    stage_type: OpportunityStatus
    probability: int
    position: int = Field(description="From 1, in their order.")
    opportunity_count: int
    totals: list[Amounts] = Field(description="By currency.")


class PipelineOut(BaseModel):
    """A pipeline with its stages."""

    id: str
    public_id: str
    name: str
    user_id: int | None = Field(description="Its owner; null: the organization.")
    is_default: bool = Field(description="Whether it is the organization's default.")
    stages: list[StageOut]
    created_at: datetime
    updated_at: datetime


class PipelineList(BaseModel):
    """The organization's pipelines and one's own. Both keys hold the same list."""

    pipelines: list[PipelineOut]
    opportunity_pipelines: list[PipelineOut]
    total_count: int
    default_pipeline_id: str = Field(description="The caller's choice, else the organization's default.")
    next_cursor: str | None = None


class DefaultPipeline(BaseModel):
    default_pipeline_id: str
    pipeline: PipelineOut


OPPORTUNITY = SPECS[RecordType.OPPORTUNITY].answer
_cards: dict[str, Any] = {"opportunities": (list[OPPORTUNITY], ...)}
BoardStage = create_model("BoardStage", __doc__="A stage with its first opportunities.", __base__=StageOut, **_cards)
_columns: dict[str, Any] = {"pipeline": (PipelineOut, ...), "stages": (list[BoardStage], ...)}
Board = create_model("Board", __doc__="A pipeline with the first opportunities of each stage.", **_columns)
_places: dict[str, Any] = {"pipeline_id": (str, ...), "pipeline_stage_id": (str, ...), "total_count": (int, ...)}
Reordered = create_model("Reordered", __doc__="The named opportunities as they are now.", **_places, **_cards)


READ_ONLY = frozenset(PipelineOut.model_fields)
