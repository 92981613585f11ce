"""Putting cards in order: one call, whole or not at all, also while others do the same.

Two who drag the same card come one after the other. Cards are locked in the order of their ids, then the stage by a
lock that only reordering takes, so that nobody waits for somebody who waits for them. New cards go to the end of a
stage and ordered ones to its beginning: these two never meet.
"""

from collections.abc import Sequence
from uuid import UUID

from drippulse.crm.changes.service import OpenChangeset, changeset_of
from drippulse.crm.pipelines import cards, queries
from drippulse.crm.pipelines.arranging import arrange
from drippulse.crm.pipelines.cards import Place
from drippulse.crm.pipelines.schemas import Reorder
from drippulse.crm.pipelines.state import Stage
from drippulse.events.service import Actor
from drippulse.kit.clock import utc_now
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.ids import uuid_or_none
from drippulse.kit.locks import lock_number

LOCKED = """SELECT r.id FROM opportunity r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
  AND r.id = ANY ($2::uuid[]) ORDER BY r.id FOR UPDATE"""
FOUND = """SELECT r.id, r.public_id FROM opportunity r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
  AND (r.id = ANY ($2::uuid[]) OR r.public_id = ANY ($3::text[]))"""
CEILING = """SELECT min(r.stage_position) FROM opportunity r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
  AND r.pipeline_stage_id = $2 AND r.id <> ALL ($3::uuid[])"""


async def reorder(
    session: Session, actor: Actor, data: Reorder, changeset: OpenChangeset | None = None
) -> tuple[Stage, list[Record]]:
    """The named cards come first in the stage, in this order; its other cards follow as they were. The stage, and the
    cards as they are now.

    Raises:
        NotFoundError: the stage, or one of the cards, is unknown or foreign.
        ValidationError: a card is named twice.
    """
    organization_id = actor.organization_id
    found = await queries.find_stage(session, organization_id, data.pipeline_stage_id)
    if found is None:
        raise not_found("pipeline stage")
    ids = await _ids(session, organization_id, data.ordered_ids)
    locked = await session.fetch(LOCKED, organization_id, ids)
    if len(locked) != len(ids):
        raise not_found("opportunity")
    name = f"reorder:{organization_id}:{found['id']}"
    await session.execute("SELECT pg_advisory_xact_lock($1)", lock_number(name))
    kept = await queries.keep_stage(session, organization_id, found["id"])
    if kept is None:
        raise not_found("pipeline stage")
    stage = Stage(kept["id"], kept["pipeline_id"], kept["stage_type"], kept["position"])
    await _arrange(session, actor, changeset or changeset_of(session, actor), stage, ids)
    rows = await cards.rows_of(session, organization_id, ids)
    return stage, [rows[card] for card in ids]


async def _arrange(session: Session, actor: Actor, changeset: OpenChangeset, stage: Stage, ids: Sequence[UUID]) -> None:
    organization_id = actor.organization_id
    rows = await cards.rows_of(session, organization_id, ids)
    here = {card: row["stage_position"] for card, row in rows.items() if row["pipeline_stage_id"] == stage.id}
    ceiling = await session.fetchval(CEILING, organization_id, stage.id, list(ids))
    positions = arrange(ids, here, ceiling)
    places = {card: Place(stage, positions.get(card)) for card in ids}
    await cards.move(session, actor, changeset, [rows[card] for card in ids], places, utc_now())


async def _ids(session: Session, organization_id: int, refs: Sequence[str]) -> list[UUID]:
    as_ids = [uuid_or_none(ref) for ref in refs]
    rows = await session.fetch(FOUND, organization_id, [one for one in as_ids if one is not None], list(refs))
    by_id, by_public_id = {row["id"] for row in rows}, {row["public_id"]: row["id"] for row in rows}
    ids: list[UUID] = []
    first: dict[UUID, int] = {}
    for index, (ref, as_id) in enumerate(zip(refs, as_ids, strict=True)):
        card = as_id if as_id in by_id else by_public_id.get(ref)
        if card is None:
            raise not_found("opportunity")
        if card in first:
            sentence = f"The same opportunity as ordered_ids.{first[card]}; name each once."
            raise ValidationError(sentence, errors={f"ordered_ids.{index}": [sentence]})
        first[card] = index
        ids.append(card)
    return ids
