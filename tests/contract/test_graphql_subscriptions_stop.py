"""A web process that stops says so to its subscribers, who come back elsewhere, and does not wait for them."""

import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from drippulse.settings import Settings
from drippulse_server.asgi import create_app_of
from drippulse_server.services import build_services
from tests.support.event_stream import event_stream
from tests.support.lifespan import running
from tests.support.live_app import AsgiStream, asgi_socket
from tests.support.organizations import TestOrganization
from tests.support.serving import web_process
from tests.support.subscribing import key_of
from tests.support.websocket import ClosedError, graphql_socket

CHANGES = "subscription { recordChanged { cursor recordId } }"
GOING_AWAY = 1001
STOPPED_WITHIN = 5.0
SOCKETS = 20


async def test_the_end_of_the_lifespan_ends_everything_that_is_open(
    settings: Settings, organization: TestOrganization
) -> None:
    async with AsyncExitStack() as clients:
        app = create_app_of(build_services(settings))
        async with running(app):
            subscribed, idle = [
                await clients.enter_async_context(asgi_socket(app, key_of(organization))) for _ in range(2)
            ]
            await subscribed.subscribe("1", CHANGES)
            stream = AsgiStream(app, key_of(organization), CHANGES)
            await stream.begin()
            await subscribed.settled()
        for socket in (subscribed, idle):
            closed = await socket.closed()
            assert (closed.code, closed.reason) == (GOING_AWAY, "This server stops; connect again.")
        assert await stream.receive() is None  # and no `complete`, after which no client would come again


async def test_who_comes_when_it_stops_already_is_sent_on(settings: Settings, organization: TestOrganization) -> None:
    services = build_services(settings)
    app = create_app_of(services)
    async with running(app), AsyncExitStack() as clients:
        await services.feed.send_away()
        with pytest.raises(ClosedError) as closed:
            await clients.enter_async_context(asgi_socket(app, key_of(organization)))
        assert closed.value.code == GOING_AWAY
        stream = AsgiStream(app, key_of(organization), CHANGES)
        await stream.begin()
        assert await stream.receive() is None


@pytest.mark.parametrize("whom", ["the first process", "all processes", "from the keyboard"])
async def test_a_process_that_is_told_to_stop_closes_its_sockets_and_streams(
    settings: Settings, organization: TestOrganization, tmp_path: Path, whom: str
) -> None:
    log = tmp_path / "web.log"
    async with web_process(settings, log) as web, AsyncExitStack() as clients:
        sockets = [
            await clients.enter_async_context(graphql_socket(web.url, key_of(organization))) for _ in range(SOCKETS)
        ]
        for socket in sockets:
            await socket.subscribe("1", CHANGES)
            await socket.settled()
        stream = await clients.enter_async_context(event_stream(web.url, key_of(organization), CHANGES))
        began = time.monotonic()
        told = signal.SIGINT if whom == "from the keyboard" else signal.SIGTERM
        first = psutil.Process(web.process.pid)
        for process in [first] if whom == "the first process" else [*first.children(), first]:
            process.send_signal(told)
        assert {(await socket.closed()).code for socket in sockets} == {GOING_AWAY}
        with pytest.raises(StopAsyncIteration):
            await stream.receive()
        assert await web.process.wait() == 0
        assert time.monotonic() - began < STOPPED_WITHIN
    said = log.read_text()
    assert "panicked" not in said
    assert "Killing" not in said
    assert "Traceback" not in said
