"""Opens and clicks of scanners and prefetchers are kept, and are nobody's."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from drippulse.messaging.engagement import is_prefetch
from drippulse.messaging.links import MailRef, TrackingLinks
from drippulse.messaging.service import Tracking, Visitor
from tests.conftest import MakeDatabase
from tests.support.world import World, email, make_world

BROWSER = Visitor("GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
LINKS = [f"https://x.org/{n}" for n in range(5)]


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("scanner_clicks")) as made:
        yield made


async def mailed(world: World) -> tuple[int, list[str], str]:
    """An enrollment with a mail of five links, a minute ago: its id, its click tokens and its open token."""
    html = "".join(f'<a href="{url}">go</a>' for url in LINKS)
    [one] = await world.enroll(await world.workflow(email(html=html)))
    await world.drain()
    await world.sql("UPDATE delivery SET sent_at = now() - interval '1 minute' WHERE enrollment_id = $1", one)
    [row] = await world.sql("SELECT visit FROM delivery WHERE enrollment_id = $1", one)
    links, ref = TrackingLinks(world.settings), MailRef(world.organization_id, one, row["visit"])
    clicks = [links.click(ref, n, url).split("t=")[1].split("&")[0] for n, url in enumerate(LINKS)]
    return one, clicks, links.pixel(ref).split("t=")[1]


async def kept(world: World, enrollment: int) -> list[bool]:
    rows = await world.sql("SELECT human FROM nurture_event WHERE enrollment_id = $1 ORDER BY id", enrollment)
    return [row["human"] for row in rows]


async def told(world: World, enrollment: int) -> int:
    [row] = await world.sql(
        "SELECT count(*) AS n FROM event WHERE record_id = $1 AND type IN ('email.clicked', 'email.opened')",
        str(enrollment),
    )
    return row["n"]


async def test_a_sweep_over_the_links_is_nobodys_even_all_at_once(world: World) -> None:
    one, clicks, _ = await mailed(world)
    tracking = Tracking(world.database, world.settings)
    await asyncio.gather(*(tracking.clicked(token, BROWSER) for token in clicks))
    assert await kept(world, one) == [False] * 5
    assert await told(world, one) <= 2


async def test_two_links_or_one_link_often_are_a_persons(world: World) -> None:
    one, clicks, _ = await mailed(world)
    tracking = Tracking(world.database, world.settings)
    for token in (clicks[0], clicks[1], clicks[0], clicks[1]):
        await tracking.clicked(token, BROWSER)
    assert await kept(world, one) == [True] * 4


async def test_links_that_are_followed_one_after_the_other_with_time_to_read_are_a_persons(world: World) -> None:
    one, clicks, _ = await mailed(world)
    tracking = Tracking(world.database, world.settings)
    for token in clicks:
        await tracking.clicked(token, BROWSER)
        await world.sql("UPDATE nurture_event SET at = at - interval '6 seconds' WHERE enrollment_id = $1", one)
    assert await kept(world, one) == [True] * 5


@pytest.mark.parametrize(
    "visitor",
    [
        Visitor("HEAD", BROWSER.user_agent),
        Visitor("GET", BROWSER.user_agent, prefetched=True),
        Visitor("GET", "Mozilla/5.0 (compatible; Sophos-Link-Check)"),
        Visitor("GET", "TelegramBot (like TwitterBot)"),
        Visitor("GET", None),
    ],
)
async def test_what_is_not_a_person_tells_nobody(world: World, visitor: Visitor) -> None:
    one, clicks, pixel = await mailed(world)
    tracking = Tracking(world.database, world.settings)
    await tracking.opened(pixel, visitor)
    await tracking.clicked(clicks[0], visitor)
    assert await kept(world, one) == [False, False]
    assert await told(world, one) == 0


def test_browsers_say_what_they_fetch_ahead() -> None:
    assert is_prefetch({"sec-purpose": "prefetch;prerender"})
    assert is_prefetch({"x-moz": "prefetch"})
    assert not is_prefetch({"purpose": "navigate"})
    assert not is_prefetch({})
