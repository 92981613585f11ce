"""How much may be open, and that nothing is left once it is over: tasks, subscribers, groups, wards."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
import strawberry
from litestar import Litestar

from drippulse.events.feed import Watcher
from drippulse.events.log_position import LogPosition
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Permission, Principal
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.schema import core_schema
from drippulse_graphql.subscriptions.errors import RefusedError
from drippulse_graphql.subscriptions.limits import Limits
from drippulse_graphql.subscriptions.record_changed import RecordChanges
from drippulse_graphql.subscriptions.source import source
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.websocket import Pace
from drippulse_server.embedded.postgres import EmbeddedPostgres
from tests.conftest import MakeOrganization
from tests.support.live_app import AsgiSocket, AsgiStream, asgi_socket, live_app, live_streams
from tests.support.organizations import TestOrganization
from tests.support.postgres import delete_organization
from tests.support.subscribing import key_of, make_contact
from tests.support.waiting import eventually
from tests.support.websocket import ClosedError, GraphqlSocket


@strawberry.type
class Nothing:
    nothing: None = None


@strawberry.type
class Told:
    cursor: str


async def _told() -> AsyncGenerator[Told, None]:
    return source(RecordChanges(None, None), None)


@strawberry.type
class ForAdmins:
    told: AsyncGenerator[Told, None] = strawberry.subscription(
        resolver=_told, extensions=[Requires(Permission.ADMINISTER)]
    )


CHANGES = "subscription { recordChanged { cursor recordId } }"


@pytest.fixture
async def streams(services: AppServices, app: Litestar) -> Streams:
    """With room for little. `app` has opened what they share."""
    return live_streams(services, Limits(per_connection=2, per_organization=3))


@pytest.fixture
async def live(services: AppServices, streams: Streams) -> Litestar:
    return live_app(services, streams)


@pytest.fixture(autouse=True)
async def nothing_is_left(streams: Streams, services: AppServices) -> AsyncGenerator[None]:
    """After every test here: whatever ended the connections."""
    before = asyncio.all_tasks()
    yield

    async def clean() -> bool:
        left = {task for task in asyncio.all_tasks() - before if "drippulse_graphql" in repr(task)}
        counts = len(streams), len(streams.wards), streams.channels, services.feed.watched
        return not left and not any(counts)

    await eventually(clean, 5)


async def opened(streams: Streams, count: int) -> None:
    async def there() -> bool:
        return len(streams) == streams.begun == count

    await eventually(there)


async def refusal(socket: GraphqlSocket) -> tuple[str, str, str]:
    message = await socket.receive()
    assert message["type"] == "error", message
    [error] = message["payload"]
    return message["id"], error["extensions"]["code"], error["message"]


async def test_a_connection_has_so_many_operations_and_ending_one_makes_room(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    sentence = "A connection may have 2 operations at one time. Complete some, or open another."
    async with asgi_socket(live, key_of(organization)) as socket:
        for number in range(4):
            await socket.subscribe(str(number), CHANGES)
        assert await refusal(socket) == ("2", "too_many_subscriptions", sentence)
        assert await refusal(socket) == ("3", "too_many_subscriptions", sentence)
        await socket.subscribe("3", "{ viewer { role } }")  # the id is free; there is no room for a query either
        assert await refusal(socket) == ("3", "too_many_subscriptions", sentence)
        await socket.send(id="0", type="complete")
        await socket.subscribe("3", "{ viewer { role } }")
        assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await socket.subscribe("0", CHANGES)
        await opened(streams, 2)
        await make_contact(organization, 1)
        assert {(await socket.receive())["id"] for _ in range(2)} == {"0", "1"}


async def test_an_organization_has_so_many_subscriptions_over_all_its_connections(
    live: Litestar, streams: Streams, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    sentence = "Your organization has 3 subscriptions open here already. Complete some first."
    async with (
        asgi_socket(live, key_of(organization)) as first,
        asgi_socket(live, key_of(organization, MemberRole.VIEWER)) as second,
        asgi_socket(live, key_of(other)) as theirs,
    ):
        for socket, number in ((first, "1"), (first, "2"), (second, "3")):
            await socket.subscribe(number, CHANGES)
        await opened(streams, 3)
        await second.subscribe("4", CHANGES)
        assert await refusal(second) == ("4", "too_many_subscriptions", sentence)
        stream = AsgiStream(live, key_of(organization), CHANGES)
        await stream.begin()
        told = await stream.receive()
        assert told is not None
        assert told.data["errors"][0] == {"message": sentence, "extensions": {"code": "too_many_subscriptions"}}
        await stream.leave()
        await theirs.subscribe("1", CHANGES)  # others have their own
        await opened(streams, 4)
        await first.send(id="1", type="complete")
        await opened(streams, 3)
        await second.subscribe("4", CHANGES)
        await opened(streams, 4)
        await first.socket.close()  # frees what it had
        await opened(streams, 3)


async def test_many_at_once_do_not_pass_the_limit_together(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    several = [AsgiStream(live, key_of(organization), CHANGES) for _ in range(12)]
    for one in several:
        await one.begin()
    assert len(streams) == 3
    for one in several:
        await one.leave()


async def test_a_role_without_the_permission_of_a_subscription_is_refused(
    services: AppServices, organization: TestOrganization
) -> None:
    """All roles may read, and so have every subscription that there is; this one is none of them."""

    own = live_streams(services, core=core_schema(strawberry.Schema(query=Nothing, subscription=ForAdmins)))
    operation = Operation("subscription { told { cursor } }")
    for role in MemberRole:
        caller = Principal(organization.id, role, "user", 1, "session:1")
        if role is MemberRole.ADMIN:
            subscriber = await own.answer(caller, operation, {})
            assert isinstance(subscriber, Subscriber)
            subscriber.close()
        else:
            with pytest.raises(RefusedError) as refused:
                await own.answer(caller, operation, {})
            assert refused.value.errors[0]["extensions"]["code"] == "forbidden"
    assert len(own) == 0


async def test_a_stream_whose_client_goes_leaves_nothing(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    for _ in range(2):
        stream = AsgiStream(live, key_of(organization), CHANGES)
        await stream.begin()
        made = await make_contact(organization, _)
        told = await stream.receive()
        assert told is not None
        assert told.data["data"]["recordChanged"]["recordId"] == made
        await stream.leave()
        assert (len(streams), streams.channels) == (0, 0)


async def test_a_stream_that_nobody_reads_leaves_nothing_when_its_client_goes(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    stream = AsgiStream(live, key_of(organization), CHANGES)
    await stream.begin()
    stream.connection.reading.clear()
    await make_contact(organization, 1)
    await asyncio.sleep(0.5)  # it is being sent
    await stream.leave()
    assert (len(streams), streams.channels) == (0, 0)


async def test_a_stream_whose_client_has_gone_before_the_answer_leaves_nothing(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    stream = AsgiStream(live, key_of(organization), CHANGES)
    await stream.leave()
    assert (len(streams), streams.channels) == (0, 0)


async def test_a_request_that_is_cut_off_anywhere_leaves_nothing(
    live: Litestar, streams: Streams, organization: TestOrganization
) -> None:
    for turns in range(1, 60, 2):
        stream = AsgiStream(live, key_of(organization), CHANGES)
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        stream.connection.task.cancel()
        await asyncio.wait([stream.connection.task])
        assert (len(streams), streams.channels) == (0, 0), turns


async def test_a_revoked_credential_leaves_nothing_of_a_stream(live: Litestar, organization: TestOrganization) -> None:
    made = (await organization.client.post("/api/v1/api_keys", json={"name": "x", "role": "Viewer"})).json()
    stream = AsgiStream(live, made["key"], CHANGES)
    await stream.begin()
    await organization.client.delete(f"/api/v1/api_keys/{made['id']}/revoke")
    await ended_with(stream, "credential_ended")


async def test_an_organization_that_is_deleted_leaves_nothing(
    live: Litestar, organization: TestOrganization, postgres: EmbeddedPostgres, services: AppServices
) -> None:
    stream = AsgiStream(live, key_of(organization), CHANGES)
    await stream.begin()
    async with asgi_socket(live, key_of(organization)) as socket:
        await socket.subscribe("1", CHANGES)
        await delete_organization(postgres, services.settings, organization.id)
        assert (await socket.closed()).code == 4403
    await ended_with(stream, "credential_ended")


async def ended_with(stream: AsgiStream, code: str) -> None:
    told = await stream.receive()
    assert told is not None
    assert told.data["errors"][0]["extensions"]["code"] == code
    last = await stream.receive()
    assert last is not None
    assert last.name == "complete"
    assert await stream.receive() is None
    await asyncio.wait_for(stream.connection.task, 5)


async def test_a_client_that_answers_no_ping_is_closed_and_one_that_does_is_not(
    services: AppServices, streams: Streams, organization: TestOrganization
) -> None:
    app = live_app(services, streams, Pace(init=0.1, ping=0.1))
    async with asgi_socket(app, key_of(organization)) as answering:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answering.receive(), 1)  # it answers pings, and hears nothing else
        await answering.subscribe("1", "{ viewer { role } }")
        assert await answering.data() == {"role": "ADMIN"}
    async with asgi_socket(app, key_of(organization)) as silent:
        assert [json.loads(await silent.socket.receive()) for _ in range(2)] == [{"type": "ping"}] * 2
        with pytest.raises(ClosedError) as closed:
            await silent.socket.receive()
        assert (closed.value.code, closed.value.reason) == (1001, "No answer to pings")


async def test_a_client_that_does_not_read_is_closed_too(
    services: AppServices, streams: Streams, organization: TestOrganization
) -> None:
    """Even while an answer to it waits to be sent."""
    made = (await organization.client.post("/api/v1/api_keys", json={"name": "x", "role": "Viewer"})).json()
    async with asgi_socket(live_app(services, streams), made["key"]) as socket:
        await socket.subscribe("1", CHANGES)
        await opened(streams, 1)
        connection = cast("AsgiSocket", cast("Any", socket.socket)).connection
        connection.reading.clear()
        await socket.send(type="ping")
        await asyncio.sleep(0.2)
        await organization.client.delete(f"/api/v1/api_keys/{made['id']}/revoke")
        await asyncio.wait_for(asyncio.wait([connection.task]), 8)
        assert len(streams) == 0


async def test_who_never_says_hello_is_closed(services: AppServices, streams: Streams) -> None:
    socket = AsgiSocket(live_app(services, streams, Pace(init=0.1)))
    with pytest.raises(ClosedError) as closed:
        await socket.receive()
    assert (closed.value.code, closed.value.reason) == (4408, "Connection initialisation timeout")
    await socket.close()


async def test_a_query_behind_a_subscription_is_run_once_that_has_begun(
    live: Litestar, streams: Streams, services: AppServices, organization: TestOrganization, monkeypatch: Any
) -> None:
    """Subscribe, then query: no change falls between the two."""
    join = services.feed.join

    async def slow(watcher: Watcher) -> LogPosition:
        await asyncio.sleep(0.3)
        return await join(watcher)

    monkeypatch.setattr(services.feed, "join", slow)
    async with asgi_socket(live, key_of(organization)) as socket:
        await socket.subscribe("1", CHANGES)
        await socket.settled()
        assert streams.begun == 1
        made = await make_contact(organization, 1)
        assert (await socket.data())["recordId"] == made


async def test_what_does_not_begin_holds_nobody_up(live: Litestar, organization: TestOrganization) -> None:
    async with asgi_socket(live, key_of(organization)) as socket:
        await socket.subscribe("1", "subscription { nothing }")
        assert (await refusal(socket))[0] == "1"
        await socket.subscribe("2", CHANGES)
        await socket.send(id="2", type="complete")  # before its task has taken a step
        await socket.settled()


async def test_queries_do_not_wait_for_each_other(
    live: Litestar, organization: TestOrganization, monkeypatch: Any
) -> None:
    execute, first_waits = Executor.execute, asyncio.Event()

    async def held(executor: Executor, principal: Principal, operation: Operation, **options: Any) -> Any:
        if "first" in operation.query:
            await first_waits.wait()
        return await execute(executor, principal, operation, **options)

    monkeypatch.setattr(Executor, "execute", held)
    async with asgi_socket(live, key_of(organization)) as socket:
        await socket.subscribe("1", "query first { viewer { role } }")
        await socket.settled()
        first_waits.set()
        assert (await socket.receive())["id"] == "1"
