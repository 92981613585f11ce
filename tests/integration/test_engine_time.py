"""Time through the engine: whose zone a wait goes by."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_time")) as world:
        yield world


@pytest.mark.parametrize(
    ("timezone", "zone"),
    [("org", "Pacific/Chatham"), ("contact", "America/St_Johns"), ("UTC", "UTC"), ("Asia/Kathmandu", "Asia/Kathmandu")],
)
async def test_a_time_of_day_goes_by_the_zone_that_the_step_names(world: World, timezone: str, zone: str) -> None:
    await world.sql("UPDATE organization SET timezone = 'Pacific/Chatham' WHERE id = $1", world.organization_id)
    workflow = await world.workflow(step("wait_until", time_of_day="09:41", timezone=timezone))
    [enrollment] = await world.enroll(workflow, {"email": "ada@example.com", "timezone": "America/St_Johns"})
    await world.drain()
    due: datetime = (await world.row(enrollment))["next_run_at"]
    entered: datetime = (await world.row(enrollment))["step_entered_at"]
    assert f"{due.astimezone(ZoneInfo(zone)):%H:%M:%S}" == "09:41:00"
    assert entered < due <= entered + timedelta(hours=26)
