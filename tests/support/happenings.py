"""Events in engine tests: send one as a client does, dispatch, look at the log."""

from collections.abc import Mapping
from typing import Any

from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.starting import start_enrollments
from drippulse.events import intake
from drippulse.events.dispatcher import dispatch
from drippulse.events.schemas import EventIn
from drippulse.kit.db import Session
from tests.support.world import World


class Wakes:
    """A waker that counts."""

    def __init__(self) -> None:
        self.count = 0

    async def wake(self) -> None:
        self.count += 1


def event_in(event_type: str, **fields: Any) -> EventIn:
    return EventIn.model_validate({"type": event_type, **fields})


async def enroll(world: World, workflow_id: int, *contacts: Mapping[str, Any]) -> list[int]:
    """Start a run for each contact as the API does; their ids."""
    rows = read_batch({"contacts": [dict(contact) for contact in contacts]}, may_hold_nul=False).rows
    async with world.database.tenant(world.organization_id) as session:
        return (await start_enrollments(session, world.principal, workflow_id, rows)).ids


async def send_in(session: Session, world: World, event_type: str, **fields: Any) -> int:
    """Append inside an open transaction; the event's id."""
    received = await intake.receive(session, world.principal, Wakes(), event_in(event_type, **fields))
    return int(received.row["id"])


async def send(world: World, event_type: str, **fields: Any) -> int:
    """Append and commit; the event's id."""
    async with world.database.tenant(world.organization_id) as session:
        return await send_in(session, world, event_type, **fields)


async def dispatch_all(world: World) -> bool:
    """Dispatch what is there; whether runs may be due because of it."""
    acted: list[bool] = []
    await dispatch(world.database, lambda: acted.append(True))
    return any(acted)


async def runs_of(world: World, workflow_id: int) -> list[Mapping[str, Any]]:
    return [
        dict(row) for row in await world.sql("SELECT * FROM enrollment WHERE workflow_id = $1 ORDER BY id", workflow_id)
    ]
