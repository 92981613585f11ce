"""What the scheduler does for events: the safety net under wake-ups, and triggers that fire by time."""

from drippulse.events.dispatch_queries import UNREAD
from drippulse.events.dispatcher import dispatch
from drippulse.events.schedules import fire
from drippulse.kit.db import Database

EVENTS_WAIT = f"EXISTS (SELECT FROM workflow_schedule WHERE next_at IS NULL OR next_at <= now()) OR ({UNREAD})"


async def events_round(database: Database) -> bool:
    """Fire schedules that are due and dispatch what nobody has dispatched; whether runs may be due now."""
    acted = [await fire(database)]
    await dispatch(database, lambda: acted.append(True))
    return any(acted)
