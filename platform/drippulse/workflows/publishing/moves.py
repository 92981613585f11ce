"""Carrying runs over to a published version: in chunks, behind the fence, around calls that are in flight."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import orjson

from drippulse.events.service import Actor
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.workflows.publishing import move_queries as sql
from drippulse.workflows.publishing.state import NO_STEP, Targets
from drippulse.workflows.publishing.tables import Strategy

CHUNK = 5_000
AT_ONCE_SECONDS = 2.0
"""How long one round of the scheduler works on moves; its other chores wait meanwhile."""
SETTLED = timedelta(seconds=30)
"""How long a run that was started beside the publication may take to appear on the old version."""
SOONEST, LATEST = timedelta(seconds=5), timedelta(minutes=10)


async def begin(
    session: Session, actor: Actor, workflow_id: int, version: int, strategy: Strategy, places: Targets
) -> int:
    """Record a move and, when it is small, do it in this very transaction; how many runs it is about.

    The caller has the workflow locked and nothing starts in it. A move that is still under way ends here: this one
    decides about everybody.
    """
    organization_id = actor.organization_id
    await session.execute(sql.SUPERSEDE, organization_id, workflow_id)
    total = await left_on_older(session, organization_id, workflow_id, version)
    move = await session.fetchrow(
        sql.MADE,
        organization_id,
        workflow_id,
        version,
        strategy.value,
        orjson.dumps(_stored(places)).decode(),
        total,
        actor.actor_type,
        actor.actor_id,
    )
    if move is not None and total <= CHUNK:
        await advance(session, move, CHUNK)
    return total


async def left_on_older(session: Session, organization_id: int, workflow_id: int, version: int) -> int:
    """How many runs are in flight on versions before this one."""
    return int(await session.fetchval(sql.LEFT, organization_id, workflow_id, version))


async def move_versions(database: Database, chunk: int = CHUNK, seconds: float = AT_ONCE_SECONDS) -> bool:
    """A chore: work on open moves for a while; whether anything moved, so that the workers may have something to do."""
    end, any_moved = time.monotonic() + seconds, False
    while time.monotonic() < end:
        async with database.session(Role.ENGINE) as session:
            move = await session.fetchrow(sql.NEXT_OPEN)
            if move is None:
                break
            any_moved = await advance(session, move, chunk) > 0 or any_moved
    return any_moved


async def advance(session: Session, move: Record, chunk: int) -> int:
    """One chunk of a move whose row is locked; how many runs it was. The end of a round plans the next one."""
    key = (move["organization_id"], move["workflow_id"], move["version"])
    session.news.add(move["organization_id"])
    done = cast(
        "Record",
        await session.fetchrow(
            sql.CHUNK,
            *key,
            move["after_id"],
            move["targets"],
            _fallback(Strategy(move["strategy"]), orjson.loads(move["targets"])),
            chunk,
            move["strategy"] == Strategy.RESTART,
            move["actor_type"],
            move["actor_id"],
        ),
    )
    more = done["picked"] == chunk
    left = 1 if more else int(await session.fetchval(sql.LEFT, *key))
    age: timedelta = move["now"] - move["created_at"]
    await session.execute(
        sql.ADVANCE,
        move["organization_id"],
        move["id"],
        done["moved"],
        done["exited"],
        done["last_id"] if more else 0,
        timedelta(0) if more else _pause(age),
        left == 0 and age >= SETTLED,
    )
    return int(done["picked"])


def _pause(age: timedelta) -> timedelta:
    """Until the next round: those in a call settle within minutes, a paused one perhaps never."""
    return min(max(age / 10, SOONEST), LATEST)


def _fallback(strategy: Strategy, targets: Mapping[str, Any]) -> str | None:
    """Where those go whose step nobody knew of; a migration leaves them where they are until they come to one."""
    if strategy is Strategy.MIGRATE:
        return None
    return orjson.dumps(targets.get(NO_STEP)).decode()


def _stored(places: Targets) -> dict[str, Any]:
    return {
        step: None if place is None else {"id": place.id, "index": place.index, "stay": place.stay}
        for step, place in places.items()
    }
