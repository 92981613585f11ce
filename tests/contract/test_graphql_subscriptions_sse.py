"""Subscriptions as server-sent events, against a server process."""

import asyncio

import httpx
import pytest

from tests.conftest import MakeOrganization
from tests.support.event_stream import event_stream
from tests.support.organizations import PASSWORD, TestOrganization
from tests.support.subscribing import key_of, make_contact

CHANGES = """subscription ($types: [String!], $after: String) {
  recordChanged(recordTypes: $types, after: $after) { cursor type recordId } }"""
ENDED_WITHIN = 5.0


async def test_what_is_committed_once_the_answer_has_begun_is_told(url: str, organization: TestOrganization) -> None:
    async with event_stream(url, key_of(organization), CHANGES) as stream:
        made = await make_contact(organization, 1)
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        event = await stream.receive(patience=2)
        change = event.data["data"]["recordChanged"]
        assert (event.name, change["recordId"], event.id) == ("next", made, change["cursor"])


async def test_queries_answer_one_event_and_complete(url: str, organization: TestOrganization) -> None:
    async with event_stream(url, key_of(organization), "{ viewer { role } }") as stream:
        assert await stream.value() == {"role": "ADMIN"}
        assert (await stream.receive()).name == "complete"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "validation_failed"),
        ('subscription { recordChanged(after: "?") { cursor } }', "bad_cursor"),
        ('subscription { workflowFunnel(workflowId: "999999") { cursor } }', "workflow_not_found"),
    ],
)
async def test_what_is_wrong_comes_as_an_event(url: str, organization: TestOrganization, query: str, code: str) -> None:
    async with event_stream(url, key_of(organization), query) as stream:
        event = await stream.receive()
        assert event.data["errors"][0]["extensions"]["code"] == code
        assert (await stream.receive()).name == "complete"


async def test_without_a_credential_there_is_no_stream(url: str) -> None:
    async with event_stream(url, "nobody", CHANGES) as stream:
        assert stream.response.status_code == 401


async def test_a_subscription_over_a_plain_request_says_what_it_needs(organization: TestOrganization) -> None:
    answer = await organization.client.post("/graphql", json={"query": CHANGES})
    assert answer.json()["errors"][0]["extensions"]["code"] == "subscription_needs_a_stream"


async def test_get_streams_subscriptions_and_no_mutations(url: str, organization: TestOrganization) -> None:
    headers = {"authorization": f"Bearer {key_of(organization)}", "accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        change = "mutation { enrollContacts(input: {workflowId: 1, contacts: []}) { createdCount } }"
        refused = await client.get("/graphql", params={"query": change})
        assert "method_not_allowed" in refused.text
        async with client.stream("GET", "/graphql", params={"query": CHANGES}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")


async def test_last_event_id_goes_on_with_nothing_lost_and_nothing_twice(
    url: str, organization: TestOrganization
) -> None:
    made: list[str] = []

    async def write(writer: int) -> None:
        for number in range(writer * 1000, writer * 1000 + 20):
            made.extend([await make_contact(organization, number)])

    async with event_stream(url, key_of(organization), CHANGES, {"types": ["contact"]}) as stream:
        await make_contact(organization, 0)
        last = (await stream.receive()).id or ""
    writers = [asyncio.create_task(write(one)) for one in range(1, 5)]
    told: list[str] = []
    while len(told) < 80:
        headers = {"last-event-id": last}
        async with event_stream(url, key_of(organization), CHANGES, {"types": ["contact"]}, **headers) as stream:
            for _ in range(min(7, 80 - len(told))):
                event = await stream.receive()
                told.append(event.data["data"]["recordChanged"]["recordId"])
                last = event.id or ""
    await asyncio.gather(*writers)
    assert sorted(told) == sorted(made)


async def test_another_organization_hears_nothing(
    url: str, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    async with (
        event_stream(url, key_of(other), CHANGES, {"after": "ZTEuMC4w"}) as stream,
        event_stream(url, key_of(organization), CHANGES) as watched,  # both are read in one statement
    ):
        made = await make_contact(organization, 1)
        assert (await watched.value())["recordId"] == made
        own = await make_contact(other, 2)
        assert (await stream.value())["recordId"] == own


async def test_a_session_that_ends_ends_its_stream(url: str, organization: TestOrganization) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        signed_in = await client.post(
            "/api/v1/auth/login", json={"username": organization.username, "password": PASSWORD}
        )
        token = signed_in.json()["token"]
        async with event_stream(url, token, CHANGES) as stream:
            headers = {"authorization": f"Bearer {token}"}
            words = {"current_password": PASSWORD, "new_password": f"{PASSWORD} again"}
            changed = await client.post("/api/v1/account/password", json=words, headers=headers)
            assert changed.status_code == 200, changed.text
            began = asyncio.get_running_loop().time()
            event = await stream.receive()
            assert event.data["errors"][0]["extensions"]["code"] == "credential_ended"
            assert (await stream.receive()).name == "complete"
            assert asyncio.get_running_loop().time() - began < ENDED_WITHIN


async def test_a_revoked_key_hears_no_more(url: str, organization: TestOrganization) -> None:
    made = (await organization.client.post("/api/v1/api_keys", json={"name": "x", "role": "Editor"})).json()
    async with event_stream(url, made["key"], CHANGES) as stream:
        await organization.client.delete(f"/api/v1/api_keys/{made['id']}/revoke")
        assert (await stream.receive(ENDED_WITHIN)).data["errors"][0]["extensions"]["code"] == "credential_ended"
