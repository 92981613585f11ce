"""Finding a stage by what people call it."""

from uuid import UUID

from drippulse.crm.pipelines import queries
from drippulse.crm.pipelines.errors import UnknownStageError
from drippulse.crm.pipelines.queries import LIVE
from drippulse.kit.db import Session

NAMED = f"SELECT id FROM pipeline WHERE {LIVE} AND lower(name) = lower($2) ORDER BY user_id IS NULL DESC LIMIT 2"
OF_ORGANIZATION = f"SELECT count(*) FROM pipeline WHERE {LIVE} AND lower(name) = lower($2) AND user_id IS NULL"


async def stage_called(session: Session, organization_id: int, stage: str, pipeline: str | None, current: UUID) -> UUID:
    """A stage by UUID, public id, or its name in a pipeline: the one named by UUID, public id or name, else `current`.

    Raises:
        UnknownStageError: there is none, or the pipeline's name is not clear; the message says which names there are.
    """
    place = await _pipeline(session, organization_id, pipeline) if pipeline else None
    found = await queries.find_stage(session, organization_id, stage)
    if found is not None and place in (None, found["pipeline_id"]):
        return found["id"]
    rows = await queries.stages_of(session, organization_id, place or current)
    named = next((row for row in rows if row["name"].casefold() == stage.casefold()), None)
    if named is None:
        listed = ", ".join(row["name"] for row in rows)
        raise UnknownStageError(f'There is no stage "{stage[:200]}" in this pipeline; it has {listed}.')
    return named["id"]


async def _pipeline(session: Session, organization_id: int, text: str) -> UUID:
    found = await queries.find_pipeline(session, organization_id, text)
    if found is not None:
        return found
    rows = await session.fetch(NAMED, organization_id, text)
    if not rows:
        raise UnknownStageError(f'There is no pipeline "{text[:200]}". Name it by its id or its name.')
    if len(rows) > 1 and await session.fetchval(OF_ORGANIZATION, organization_id, text) != 1:
        raise UnknownStageError(f'Several pipelines are called "{text[:200]}". Name the one that is meant by its id.')
    return rows[0]["id"]
