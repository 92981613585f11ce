"""What the scheduler does for events: the safety net under wake-ups, and triggers that fire by time."""

from drippulse.events.dispatch_queries import UNREAD
from drippulse.events.dispatcher import dispatch
from drippulse.events.schedules import fire
from drippulse.kit.db import Database, Role

# One question for both, because it is asked over and over while nothing happens.
FIRES = "EXISTS (SELECT FROM workflow_schedule WHERE next_at IS NULL OR next_at <= now())"
LOOK = f"SELECT {FIRES} AS fires, ({UNREAD}) AS unread"
EVENTS_WAIT = f"{FIRES} OR ({UNREAD})"


async def events_round(database: Database) -> bool:
    """Fire schedules that are due and dispatch what nobody has dispatched; whether runs may be due now."""
    async with database.session(Role.ENGINE) as session:
        (look,) = await session.fetch(LOOK)
    acted: list[bool] = []
    if look["fires"]:
        acted.append(await fire(database))
    if look["unread"]:
        await dispatch(database, lambda: acted.append(True))
    return any(acted)
