"""Subscriptions over WebSocket, against a server process: graphql-transport-ws to the letter, and who is told what."""

import asyncio
import json

import pytest

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse_server.embedded.redis import EmbeddedRedis
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.serving import serving
from tests.support.subscribing import key_of, make_contact
from tests.support.websocket import graphql_socket

CHANGES = """subscription Changes($types: [String!], $ids: [ID!], $after: String) {
  recordChanged(recordTypes: $types, ids: $ids, after: $after) {
    cursor type at recordType recordId nodeId record { id __typename } }
}"""
ENDED_WITHIN = 5.0


async def make_workflow(organization: TestOrganization, name: str = "Live") -> int:
    """By another process than the one that is watched: the news have to travel."""
    body = {"name": name, "status": "active", "steps": [{"type": "wait", "config": {"duration": 1, "unit": "days"}}]}
    answer = await organization.client.post("/api/v1/workflows", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no json"], 4400),
        ([b'{"type":"connection_init"}'], 4400),
        (['{"type":"connection_init","payload":[]}'], 4400),
        (['{"type":"start"}'], 4400),
        (['{"type":"connection_init","payload":{"authorization":"Bearer nobody"}}'], 4403),
        (['{"type":"connection_init"}'], 4403),
        (['{"type":"subscribe","id":"1","payload":{"query":"{ viewer { role } }"}}'], 4401),
        (["INIT", '{"type":"connection_init"}'], 4429),
        (["INIT", "SUBSCRIBE", "SUBSCRIBE"], 4409),
        (["INIT", '{"type":"subscribe","id":"","payload":{"query":"{ viewer { role } }"}}'], 4400),
        ([], 4408),
    ],
)
async def test_sockets_are_closed_with_the_codes_of_the_protocol(
    url: str, organization: TestOrganization, messages: list[str | bytes], code: int
) -> None:
    known = {
        "INIT": json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key_of(organization)}"}}),
        "SUBSCRIBE": json.dumps({"type": "subscribe", "id": "1", "payload": {"query": CHANGES}}),
    }
    async with graphql_socket(url) as socket:
        for message in messages:
            await socket.socket.send(known.get(message, message) if isinstance(message, str) else message)
            await asyncio.sleep(0.2)
        assert (await socket.closed()).code == code


@pytest.mark.parametrize("offered", ["graphql-ws", "", "graphql-ws, soap"])
async def test_another_subprotocol_is_closed_with_4406(url: str, offered: str) -> None:
    async with graphql_socket(url, subprotocols=offered) as socket:
        assert (await socket.closed()).code == 4406


async def test_the_subprotocol_is_chosen_among_those_offered(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization), subprotocols="graphql-ws, graphql-transport-ws") as socket:
        assert socket.socket.subprotocol == "graphql-transport-ws"


async def test_pings_are_answered_with_their_payload(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.send(type="ping", payload={"a": 1})
        assert await socket.receive() == {"type": "pong", "payload": {"a": 1}}


async def test_the_credential_may_come_with_the_handshake(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, authorization=f"Bearer {key_of(organization)}") as socket:
        await socket.initialise(None)


async def test_queries_and_mutations_answer_once_and_complete(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("q", "{ viewer { role } }")
        assert await socket.data() == {"role": "ADMIN"}
        assert await socket.receive() == {"id": "q", "type": "complete"}
        await socket.subscribe("q", "{ nothing }")
        refused = await socket.receive()
        assert (refused["id"], refused["type"]) == ("q", "error")
        assert refused["payload"][0]["extensions"]["code"] == "validation_failed"
        await socket.subscribe("q", "{ viewer { role } }")  # an error has freed the id, and no `complete` follows it
        assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
        change = 'mutation { createProject(input: { name: "Live" }) { project { name } userErrors { code } } }'
        await socket.subscribe("m", change)
        assert await socket.data() == {"project": {"name": "Live"}, "userErrors": []}
        assert await socket.receive() == {"id": "m", "type": "complete"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('subscription { recordChanged(recordTypes: ["contcat"]) { cursor } }', "validation_failed"),
        ('subscription { recordChanged(after: "x") { cursor } }', "bad_cursor"),
        ('subscription { recordChanged(after: "ZTEuOTIyMzM3MjAzNjg1NDc3NTgwNy4w") { cursor } }', "bad_cursor"),
        ('subscription { recordChanged(ids: ["?"]) { cursor } }', "invalid_id"),
        ('subscription { workflowFunnel(workflowId: "999999") { cursor } }', "workflow_not_found"),
        ('subscription { enrollmentAdvanced(enrollmentId: "999999") { cursor } }', "enrollment_not_found"),
        ("subscription { a: recordChanged { cursor } b: recordChanged { cursor } }", "validation_failed"),
    ],
)
async def test_what_is_wrong_with_a_subscription_is_an_error_of_it_alone(
    url: str, organization: TestOrganization, query: str, code: str
) -> None:
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", query)
        refused = await socket.receive()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", code)
        await socket.send(type="ping")
        assert (await socket.receive())["type"] == "pong"


async def test_a_change_is_told_with_its_record(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization, MemberRole.VIEWER)) as socket:
        await socket.subscribe("1", CHANGES, types=["workflow"])
        await socket.settled()
        await make_contact(organization, 1)
        number = await make_workflow(organization)
        change = await socket.data(patience=2)
        assert (change["type"], change["recordId"]) == ("workflow.created", str(number))
        assert change["record"] == {"id": change["nodeId"], "__typename": "Workflow"}


async def test_complete_ends_a_subscription_and_no_other(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", CHANGES)
        await socket.subscribe("2", CHANGES)
        await socket.settled()
        await socket.send(id="1", type="complete")
        await socket.settled()
        await make_contact(organization, 1)
        await make_contact(organization, 2)
        assert [(await socket.receive())["id"] for _ in range(2)] == ["2", "2"]
        await socket.subscribe("1", CHANGES)  # its id is free again
        await socket.settled()


async def test_ids_choose_records(url: str, organization: TestOrganization) -> None:
    first, second = [await make_workflow(organization, name) for name in "ab"]
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", CHANGES, ids=[str(second)], types=["workflow"])
        await socket.settled()
        for number in (first, second):
            await organization.client.patch(f"/api/v1/workflows/{number}", json={"name": "c"})
        assert (await socket.data())["recordId"] == str(second)


async def test_the_funnel_comes_at_once_and_after_every_change(url: str, organization: TestOrganization) -> None:
    number = await make_workflow(organization)
    query = """subscription ($id: ID!) { workflowFunnel(workflowId: $id) {
      type cursor funnel { totals { active totalEnrollments } } workflow { name } } }"""
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", query, id=str(number))
        assert (await socket.data())["funnel"]["totals"] == {"active": 0, "totalEnrollments": 0}
        contacts = [{"email": f"f{place}@example.com"} for place in range(50)]
        await organization.client.post(f"/api/v1/workflows/{number}/enrollments/bulk", json={"contacts": contacts})
        told = await socket.data()
        assert told["funnel"]["totals"] == {"active": 50, "totalEnrollments": 50}
        assert told["workflow"] == {"name": "Live"}


async def test_runs_are_told_as_they_are_now(url: str, organization: TestOrganization) -> None:
    number = await make_workflow(organization)
    other = await make_workflow(organization, "Other")
    query = """subscription ($id: ID!) { enrollmentAdvanced(workflowId: $id) {
      type enrollment { databaseId status contact { email } } } }"""
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", query, id=str(number))
        await socket.settled()
        for workflow in (other, number):
            await organization.client.post(
                f"/api/v1/workflows/{workflow}/enrollments/bulk", json={"contacts": [{"email": f"{workflow}@e.com"}]}
            )
        told = await socket.data()
        assert (told["type"], told["enrollment"]["contact"]) == ("enrollment.created", {"email": f"{number}@e.com"})


async def test_nothing_is_lost_or_told_twice_while_writers_write_and_the_client_breaks_off(
    url: str, organization: TestOrganization
) -> None:
    made: list[str] = []

    async def write(writer: int) -> None:
        for number in range(writer * 1000, writer * 1000 + 25):
            made.extend([await make_contact(organization, number)])

    told: list[str] = []
    cursor: str | None = None
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.subscribe("1", CHANGES, types=["contact"])
        await socket.settled()
        await make_contact(organization, 0)
        first = await socket.data()
        cursor = first["cursor"]
    writers = [asyncio.create_task(write(one)) for one in range(1, 5)]
    while len(told) < 100:
        async with graphql_socket(url, key_of(organization)) as socket:
            await socket.subscribe("1", CHANGES, types=["contact"], after=cursor)
            for _ in range(min(9, 100 - len(told))):
                change = await socket.data()
                told.append(change["recordId"])
                cursor = change["cursor"]
    await asyncio.gather(*writers)
    assert sorted(told) == sorted(made)


async def test_another_organization_hears_nothing(
    url: str, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    number = await make_workflow(organization)
    async with graphql_socket(url, key_of(other)) as socket, graphql_socket(url, key_of(organization)) as watched:
        await watched.subscribe("1", CHANGES)  # both are read in one statement
        await watched.settled()
        await socket.subscribe("1", CHANGES)
        await socket.subscribe("2", CHANGES, ids=[str(number)])
        await socket.subscribe("3", CHANGES, after="ZTEuMC4w")  # from the beginning of the log
        await socket.settled()
        await make_contact(organization, 1)
        await make_workflow(organization)
        await socket.subscribe(
            "4", "subscription ($id: ID!) { workflowFunnel(workflowId: $id) { type } }", id=str(number)
        )
        refused = await socket.receive()
        assert refused["payload"][0]["extensions"]["code"] == "workflow_not_found"
        own = await make_workflow(other)
        told = [await socket.receive() for _ in range(2)]
        assert {one["payload"]["data"]["recordChanged"]["recordId"] for one in told} == {str(own)}


async def test_a_revoked_key_closes_the_socket_with_4403(url: str, organization: TestOrganization) -> None:
    made = (await organization.client.post("/api/v1/api_keys", json={"name": "x", "role": "Viewer"})).json()
    async with graphql_socket(url, made["key"]) as socket:
        await socket.subscribe("1", CHANGES)
        await socket.settled()
        assert (await organization.client.delete(f"/api/v1/api_keys/{made['id']}/revoke")).status_code < 300
        began = asyncio.get_running_loop().time()
        assert (await socket.closed()).code == 4403
        assert asyncio.get_running_loop().time() - began < ENDED_WITHIN


async def test_a_client_that_does_not_read_gets_everything_later(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization), buffer=2**12) as socket:
        await socket.subscribe("1", CHANGES, types=["event"])
        await socket.settled()
        for start in range(0, 4000, 1000):
            events = [{"type": "order.paid", "key": "k", "id": f"o{start + number}"} for number in range(1000)]
            answer = await organization.client.post("/api/v1/events/batch", json={"events": events})
            assert answer.json()["accepted_count"] == 1000, answer.text
        await asyncio.sleep(2)
        told = [(await socket.data())["recordId"] for _ in range(4000)]
        assert len(set(told)) == 4000
        assert told == sorted(told, key=int)


async def test_too_many_operations_on_one_socket_are_refused(url: str, organization: TestOrganization) -> None:
    async with graphql_socket(url, key_of(organization)) as socket:
        for number in range(51):
            await socket.subscribe(str(number), CHANGES)
        refused = await socket.receive()
        assert refused["payload"][0]["extensions"]["code"] == "too_many_subscriptions"


async def test_redis_may_be_flushed_and_killed(
    settings: Settings, organization: TestOrganization, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The log is the truth: what Redis does not say is read by the clock."""
    redis = EmbeddedRedis(tmp_path_factory.mktemp("redis_of_stream"))
    redis.start()
    try:
        own = settings.model_copy(update={"redis_url": redis.url})
        async with serving(own) as url, graphql_socket(url, key_of(organization)) as socket:
            await socket.subscribe("1", CHANGES, types=["contact"])
            await socket.settled()
            wanted = [await make_contact(organization, 1)]  # told by another Redis: this one hears nothing
            assert (await socket.data(patience=7))["recordId"] == wanted[0]
            await flush(redis.url)
            wanted.append(await make_contact(organization, 2))
            assert (await socket.data(patience=7))["recordId"] == wanted[1]
            redis.stop()
            await asyncio.sleep(1)
            for number in range(3, 8):
                wanted.append(await make_contact(organization, number))
                assert (await socket.data(patience=4))["recordId"] == wanted[-1]
    finally:
        redis.stop()


async def flush(url: str) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(url) as redis:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        await redis.flushall()  # pyright: ignore[reportUnknownMemberType]
