"""Open subscriptions end once their document may not run any more, over both transports; others go on."""

import asyncio

from drippulse.graphql_clients.documents.standing import RunningDocument, still_runnable
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.event_stream import event_stream
from tests.support.organizations import TestOrganization
from tests.support.subscribing import key_of, make_contact
from tests.support.websocket import GraphqlSocket, graphql_socket

DOCUMENTS, ACCOUNT = "/api/v1/graphql/documents", "/api/v1/account"
CHANGES = "subscription { recordChanged { cursor recordId } }"
OTHER = "subscription Other { recordChanged { cursor recordId } }"
WHO = "{ viewer { role } }"
ENDED_WITHIN = 5.0


async def register(organization: TestOrganization, *texts: str) -> list[str]:
    answer = await organization.client.put(DOCUMENTS, json={"documents": {sha256_hex(text): text for text in texts}})
    assert answer.status_code == 200, answer.text
    return [f"sha256:{sha256_hex(text)}" for text in texts]


async def trusted_only(organization: TestOrganization, *, on: bool) -> None:
    assert (await organization.client.patch(ACCOUNT, json={"graphql_trusted_only": on})).status_code == 200


async def ended(socket: GraphqlSocket, ids: set[str]) -> dict[str, str]:
    """The code that each of these operations ends with."""
    codes: dict[str, str] = {}
    while set(codes) != ids:
        message = await socket.receive(ENDED_WITHIN)
        assert message["type"] == "error", message
        codes[message["id"]] = message["payload"][0]["extensions"]["code"]
    return codes


async def test_a_deleted_document_ends_what_runs_by_its_id_and_nothing_else(
    url: str, organization: TestOrganization
) -> None:
    gone, kept = await register(organization, CHANGES, OTHER)
    async with graphql_socket(url, key_of(organization)) as socket:
        await socket.send(id="gone", type="subscribe", payload={"documentId": gone})
        apollo = {"persistedQuery": {"version": 1, "sha256Hash": gone.removeprefix("sha256:")}}
        await socket.send(id="apollo", type="subscribe", payload={"extensions": apollo})
        await socket.send(id="kept", type="subscribe", payload={"documentId": kept})
        await socket.subscribe("text", CHANGES)  # it was sent, so it need not be registered
        await socket.settled()
        assert (await organization.client.delete(f"{DOCUMENTS}/{gone}")).status_code == 204
        codes = await asyncio.wait_for(ended(socket, {"gone", "apollo"}), ENDED_WITHIN)
        assert set(codes.values()) == {"document_not_found"}
        made = await make_contact(organization, 1)
        told = [await socket.receive() for _ in range(2)]
        assert {one["id"] for one in told} == {"kept", "text"}
        assert {one["payload"]["data"]["recordChanged"]["recordId"] for one in told} == {made}
        await socket.send(id="gone", type="subscribe", payload={"documentId": kept})  # the id is free again
        await socket.settled()


async def test_trusted_only_ends_every_text_that_is_not_registered(
    url: str, organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    (identifier, _) = await register(organization, CHANGES, WHO)
    async with (
        graphql_socket(url, key_of(organization)) as socket,
        graphql_socket(url, key_of(other)) as theirs,
        event_stream(url, key_of(organization), OTHER) as stream,
        event_stream(url, key_of(organization), CHANGES) as good,
    ):
        await socket.subscribe("text", OTHER)
        await socket.subscribe("registered text", CHANGES)
        await socket.send(id="named", type="subscribe", payload={"documentId": identifier})
        await theirs.subscribe("text", OTHER)
        await socket.settled()
        await theirs.settled()
        await trusted_only(organization, on=True)
        assert await asyncio.wait_for(ended(socket, {"text"}), ENDED_WITHIN) == {"text": "untrusted_document"}
        event = await stream.receive(ENDED_WITHIN)
        assert event.data["errors"][0]["extensions"]["code"] == "untrusted_document"
        assert (await stream.receive()).name == "complete"
        made, own = await make_contact(organization, 1), await make_contact(other, 1)
        assert {(await socket.receive())["id"] for _ in range(2)} == {"registered text", "named"}
        assert (await good.value())["recordId"] == made
        assert (await theirs.data())["recordId"] == own
        await organization.client.delete(f"{DOCUMENTS}/{identifier}")
        codes = await asyncio.wait_for(ended(socket, {"named", "registered text"}), ENDED_WITHIN)
        assert codes == {"named": "document_not_found", "registered text": "untrusted_document"}
        assert (await good.receive(ENDED_WITHIN)).data["errors"][0]["extensions"]["code"] == "untrusted_document"


async def test_the_check_answers_for_many_organizations_at_once(
    organization: TestOrganization, new_organization: MakeOrganization, services: AppServices
) -> None:
    strict = await new_organization()
    for one in (organization, strict):
        await register(one, CHANGES)
    await trusted_only(strict, on=True)
    known, unknown = sha256_hex(CHANGES), sha256_hex(OTHER)
    asked = {
        RunningDocument(one.id, sha256, named)
        for one in (organization, strict)
        for sha256 in (known, unknown)
        for named in (True, False)
    }
    standing = await still_runnable(services.database, asked | {RunningDocument(2**40, known, named=False)})
    assert asked - standing == {
        RunningDocument(organization.id, unknown, named=True),
        RunningDocument(strict.id, unknown, named=True),
        RunningDocument(strict.id, unknown, named=False),
    }
    assert standing <= asked
