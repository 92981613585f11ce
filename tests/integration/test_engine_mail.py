"""Mail through the engine: what arrives, and what becomes of it when the mail server misbehaves."""

from collections.abc import AsyncGenerator

import pytest

from drippulse.messaging.links import TrackingLinks
from drippulse.messaging.service import Tracking, Visitor
from tests.conftest import MakeDatabase
from tests.support.smtp_sink import Behaviour
from tests.support.world import World, email, make_world, step

BROWSER = Visitor("GET", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")


@pytest.fixture(scope="module")
async def shared_world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("engine_mail")) as made:
        yield made


@pytest.fixture
async def world(shared_world: World) -> World:
    shared_world.sink.behaviour = Behaviour.ACCEPT
    shared_world.sink.ledger.clear()
    await shared_world.cancel_all()
    await shared_world.sql("DELETE FROM suppression")
    return shared_world


async def test_a_mail_arrives_rendered_in_both_parts_with_tracking_and_one_click_unsubscribe(world: World) -> None:
    [one] = await world.enroll(await world.workflow(step("trigger"), email(), step("log", message="done")))
    await world.drain()
    message = world.sink.ledger[0].message
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert message["subject"] == "Hi Ada"
    assert "Hello Ada" in text.get_content()
    assert "/track/n/click?t=" in html.get_content()
    assert "/track/n/pixel.gif?t=" in html.get_content()
    assert message["list-unsubscribe"].startswith("<http")
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert await world.timeline(one) == [("trigger", "completed"), ("email", "completed"), ("log", "completed")]
    assert (await world.row(one))["status"] == "completed"
    assert await world.deliveries(one) == ["sent"]


async def test_names_that_are_not_ascii_arrive_as_they_are(world: World) -> None:
    person = {"email": "zoë@bücher.example", "first_name": "Zoë Ωmega 李"}
    await world.enroll(await world.workflow(email()), person)
    await world.drain()
    taken = world.sink.ledger[0]
    assert taken.message["subject"] == "Hi Zoë Ωmega 李"
    assert taken.recipients[0].startswith("zoë@")


async def test_html_values_are_escaped_and_headers_cannot_be_injected(world: World) -> None:
    person = {"email": "ada@example.com", "first_name": "<script>x</script>\r\nBcc: evil@example.com"}
    await world.enroll(await world.workflow(email(html="<p>{{ first_name }}</p>")), person)
    await world.drain()
    message = world.sink.ledger[0].message
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert message["bcc"] is None
    assert world.sink.ledger[0].recipients == ("ada@example.com",)


async def test_an_address_that_is_no_address_skips_the_mail_and_goes_on(world: World) -> None:
    [one] = await world.enroll(await world.workflow(email(), step("log", message="x")), {"email": "not an address"})
    await world.drain()
    assert world.sink.ledger == []
    assert await world.timeline(one) == [("email", "skipped"), ("log", "completed")]


async def test_after_an_unsubscribe_no_further_mail_is_sent(world: World) -> None:
    workflow = await world.workflow(email(), step("wait", duration=1, unit="seconds"), {**email(), "id": "second"})
    [one] = await world.enroll(workflow, {"email": "stop@example.com", "first_name": "S"})
    await world.drain()
    tracking = Tracking(world.database, world.settings)
    link = str(world.sink.ledger[0].message["list-unsubscribe"]).strip("<>")
    assert await tracking.unsubscribed(link.split("t=")[1]) == "stop@example.com"
    await world.work_until_rest(one)
    assert len(world.sink.ledger) == 1
    assert await world.timeline(one) == [("email", "completed"), ("wait", "completed"), ("email", "skipped")]


async def test_opens_and_clicks_are_recorded_and_clicks_lead_to_what_was_in_the_mail(world: World) -> None:
    [one] = await world.enroll(await world.workflow(email()))
    await world.drain()
    await world.sql("UPDATE delivery SET sent_at = now() - interval '1 minute' WHERE enrollment_id = $1", one)
    html = world.sink.ledger[0].message.get_body(("html",))
    assert html is not None
    content = html.get_content().replace("&amp;", "&")
    tracking = Tracking(world.database, world.settings)
    assert await tracking.clicked(content.split("click?t=")[1].split("&")[0], BROWSER) == "https://x.org/a?b=1&c=2"
    pixel = content.split("pixel.gif?t=")[1].split('"')[0]
    await tracking.opened(pixel, BROWSER)
    await tracking.opened(pixel, Visitor("GET", "Barracuda Sentinel"))
    rows = await world.sql("SELECT type, human FROM nurture_event WHERE enrollment_id = $1 ORDER BY id", one)
    assert [(row["type"], row["human"]) for row in rows] == [("click", True), ("open", True), ("open", False)]


async def test_links_are_not_interchangeable(world: World) -> None:
    links = TrackingLinks(world.settings)
    from drippulse.kit.crypto import SignatureError
    from drippulse.messaging.links import MailRef

    token = links.pixel(MailRef(1, 1, 1)).split("t=")[1]
    with pytest.raises(SignatureError):
        links.read("u", token)
    with pytest.raises(SignatureError):
        links.read("o", token[:-2])


@pytest.mark.parametrize(
    "behaviour", [Behaviour.DROP_AT_GREETING, Behaviour.HANG_AT_GREETING, Behaviour.REFUSE_TEMPORARILY]
)
async def test_a_server_that_takes_nothing_is_tried_five_times_then_failed_with_the_reason(
    world: World, behaviour: Behaviour
) -> None:
    world.sink.behaviour = behaviour
    [one] = await world.enroll(await world.workflow(email()))
    await world.work_until_rest(one)
    row = await world.row(one)
    assert (row["status"], row["attempt"]) == ("failed", 5)
    assert await world.timeline(one) == [("email", "retrying")] * 4 + [("email", "failed")]
    assert (await world.error(one))["code"].startswith("smtp_")
    assert "Given up after 5 attempts" in (await world.error(one))["message"]
    assert world.sink.ledger == []
    assert await world.deliveries(one) == ["failed"]


async def test_a_refused_recipient_fails_at_once_with_the_servers_words(world: World) -> None:
    world.sink.behaviour = Behaviour.REFUSE_RECIPIENT
    [one] = await world.enroll(await world.workflow(email()))
    await world.drain()
    assert await world.timeline(one) == [("email", "failed")]
    assert "550 no such user" in (await world.error(one))["message"]


@pytest.mark.parametrize("behaviour", [Behaviour.TAKE_AND_DROP, Behaviour.TAKE_AND_HANG])
async def test_a_server_that_takes_the_mail_and_never_answers_gets_no_second_one(
    world: World, behaviour: Behaviour
) -> None:
    world.sink.behaviour = behaviour
    [one] = await world.enroll(await world.workflow(email(), step("log", message="on")))
    await world.work_until_rest(one)
    assert len(world.sink.ledger) == 1
    assert await world.timeline(one) == [("email", "unknown"), ("log", "completed")]
    assert await world.deliveries(one) == ["unknown"]


async def test_on_unknown_ask_stops_there_and_resend_sends_again(world: World) -> None:
    world.sink.behaviour = Behaviour.TAKE_AND_DROP
    [asking] = await world.enroll(await world.workflow(email(on_unknown="ask")))
    await world.work_until_rest(asking)
    row = await world.row(asking)
    assert (row["status"], row["wait_reason"], row["claimable_at"]) == ("active", "outcome_unknown", None)
    [resending] = await world.enroll(await world.workflow(email(on_unknown="resend")))
    await world.drain()
    world.sink.behaviour = Behaviour.ACCEPT
    await world.work_until_rest(resending)
    assert (await world.row(resending))["status"] == "completed"
    assert (await world.timeline(resending))[-1] == ("email", "completed")
    assert len(world.sink.ledger) >= 3


async def test_without_a_mail_server_the_reason_names_the_setting(world: World) -> None:
    [one] = await world.enroll(await world.workflow(email()))
    await world.drain(smtp_url="")
    assert "DRIPPULSE_SMTP_URL" in (await world.error(one))["message"]
