"""Trusted documents: registered over REST, run by their ids over GraphQL, and nothing else where that is asked for."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from drippulse.graphql_clients.documents.errors import TooManyDocumentsError
from drippulse.graphql_clients.documents.schemas import Manifest
from drippulse.graphql_clients.documents.service import MAX_DOCUMENTS, put_documents
from drippulse.graphql_clients.documents.trusted import TrustedDocuments
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization

DOCUMENTS, ACCOUNT, GRAPHQL = "/api/v1/graphql/documents", "/api/v1/account", "/graphql"
GRAPHQL_JSON = "application/graphql-response+json"
WHO = "query Who { viewer { role } }"
ADMIN = {"data": {"viewer": {"role": "ADMIN"}}}
UNKNOWN = "0" * 64
PLANTED = """INSERT INTO graphql_document (organization_id, sha256, text, actor_type)
SELECT $1, lpad(to_hex(n), 64, '0'), 'query Planted { viewer { role } }', 'user' FROM generate_series(1, $2::int) n"""


async def put(http: httpx.AsyncClient, documents: dict[str, str], **more: Any) -> dict[str, Any]:
    answer = await http.put(DOCUMENTS, json={"documents": documents, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post(GRAPHQL, json=body, headers={"accept": GRAPHQL_JSON})


def code(answer: httpx.Response) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


async def test_a_manifest_is_registered_once_and_listed(organization: TestOrganization) -> None:
    client, sha256 = organization.client, sha256_hex(WHO)
    manifest = {"WhoAmI": WHO}
    first = await put(client, manifest, client="web")
    assert first == {"created": 1, "changed": 0, "unchanged": 0, "document_ids": {"WhoAmI": f"sha256:{sha256}"}}
    again = await put(client, manifest, client="web")
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 1)
    moved = await put(client, {sha256: WHO}, client="app")
    assert (moved["created"], moved["changed"], moved["unchanged"]) == (0, 1, 0)
    listed = (await client.get(DOCUMENTS)).json()
    [document] = listed["documents"]
    assert listed["total_count"] == 1
    assert {name: document[name] for name in ("document_id", "sha256", "name", "client", "text")} == {
        "document_id": f"sha256:{sha256}",
        "sha256": sha256,
        "name": "",
        "client": "app",
        "text": WHO,
    }
    assert (await client.get(DOCUMENTS, params={"client": "web"})).json()["documents"] == []
    acts = (await client.get("/api/v1/audit_log", params={"action": "graphql_documents.registered"})).json()
    assert [entry["details"] for entry in acts["audit_log"]] == [
        {"client": "app", "created": 0, "changed": 1},
        {"client": "web", "created": 1, "changed": 0},
    ]


async def test_one_bad_document_refuses_the_manifest_and_says_where(client: httpx.AsyncClient) -> None:
    bad = {
        "fine": WHO,
        "misspelt": "query A {\n  viewer { rol }\n}",
        "unfinished": "query {",
        "deep": "{" * 40 + "}" * 40,
        "dear": "{ workflows(first: 200) { nodes { enrollments(first: 200) { nodes { id } } } } }",
        UNKNOWN: WHO,
    }
    answer = await client.put(DOCUMENTS, json={"documents": bad})
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_documents")
    errors = answer.json()["errors"]
    assert set(errors) == {f"documents.{name}" for name in bad if name != "fine"}
    assert errors["documents.misspelt"] == ["2:12: Cannot query field 'rol' on type 'Viewer'. Did you mean 'role'?"]
    assert errors["documents.unfinished"][0].startswith("1:8: Syntax Error")
    assert "first" in errors["documents.dear"][0]
    assert sha256_hex(WHO) in errors[f"documents.{UNKNOWN}"][0]
    assert (await client.get(DOCUMENTS)).json()["total_count"] == 0


@pytest.mark.parametrize(
    "documents",
    [{}, {"a": ""}, {"a": 1}, {"a": None}, {"": WHO}, {"a\n": WHO}, {"a": "#" * 100_001}, [WHO], None],
)
async def test_what_is_no_manifest_is_refused(client: httpx.AsyncClient, documents: Any) -> None:
    answer = await client.put(DOCUMENTS, json={"documents": documents})
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_failed")


async def test_a_manifest_has_two_hundred_documents_at_most(client: httpx.AsyncClient) -> None:
    documents = {f"d{number}": f"query D{number} {{ viewer {{ role }} }}" for number in range(201)}
    assert (await client.put(DOCUMENTS, json={"documents": documents})).status_code == 422
    del documents["d0"]
    assert (await put(client, documents))["created"] == 200


async def test_two_manifests_at_once_do_not_pass_the_limit_together(
    organization: TestOrganization, services: AppServices
) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(PLANTED, organization.id, MAX_DOCUMENTS - 60)

    async def push(name: str) -> dict[str, Any]:
        documents = {f"{name}{number}": f"query {name}{number} {{ viewer {{ role }} }}" for number in range(40)}
        async with services.database.tenant(organization.id) as session:
            return await put_documents(session, organization.principal, Manifest(documents=documents))

    async with services.database.tenant(organization.id) as session:
        first = Manifest(documents={f"A{number}": f"query A{number} {{ viewer {{ role }} }}" for number in range(40)})
        assert (await put_documents(session, organization.principal, first))["created"] == 40
        second = asyncio.create_task(push("B"))
        _, waiting = await asyncio.wait([second], timeout=0.5)
        assert waiting  # until the first is there, or not
    with pytest.raises(TooManyDocumentsError):
        await second
    assert (await organization.client.get(DOCUMENTS)).json()["total_count"] == MAX_DOCUMENTS - 20
    third = {f"C{number}": f"query C{number} {{ viewer {{ role }} }}" for number in range(20)}
    assert (await put(organization.client, third))["created"] == 20
    full = await organization.client.put(DOCUMENTS, json={"documents": {"who": WHO}})
    assert (full.status_code, full.json()["error"]) == (409, "too_many_documents")
    assert (await put(organization.client, third))["unchanged"] == 20  # what is there may be sent again


async def test_a_document_runs_by_its_id_in_every_way_to_send_it(client: httpx.AsyncClient) -> None:
    text = "query Flow($id: ID!) { workflow(id: $id) { id } } query Who { viewer { role } }"
    identifier = (await put(client, {"a": text}))["document_ids"]["a"]
    apollo = {"persistedQuery": {"version": 1, "sha256Hash": identifier.removeprefix("sha256:")}}
    given = {"operationName": "Flow", "variables": {"id": "999999999"}}
    urls = {"operationName": "Flow", "variables": '{"id":"999999999"}'}
    answers = [
        await post(client, documentId=identifier, **given),
        await post(client, extensions=apollo, **given),
        await post(client, extensions=apollo, query=text, **given),
        await client.get(GRAPHQL, params={"documentId": identifier, **urls}),
        await client.get(GRAPHQL, params={"extensions": json.dumps(apollo), **urls}),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"data": {"workflow": None}})] * 5
    assert code(await post(client, documentId=identifier)) == (400, "unknown_operation")


async def test_an_unknown_id_is_told_to_each_client_in_its_way(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = (await new_organization()).client
    theirs = (await put(other, {"a": WHO}))["document_ids"]["a"]
    assert (await post(other, documentId=theirs)).json() == ADMIN  # so that this process knows it
    for identifier in (f"sha256:{UNKNOWN}", theirs):
        assert code(await post(client, documentId=identifier)) == (400, "document_not_found")
        assert code(await client.get(GRAPHQL, params={"documentId": identifier})) == (200, "document_not_found")
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": identifier.removeprefix("sha256:")}}
        apollo = await post(client, extensions=extensions)
        assert code(apollo) == (400, "PERSISTED_QUERY_NOT_FOUND")
        assert apollo.json()["errors"][0]["message"] == "PersistedQueryNotFound"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"documentId": "sha256:" + "A" * 64}, "invalid_document_id"),
        ({"documentId": "0" * 64}, "invalid_document_id"),
        ({"documentId": "sha1:" + "0" * 40}, "invalid_document_id"),
        ({"documentId": 7}, "invalid_document_id"),
        ({"documentId": ""}, "invalid_document_id"),
        ({"extensions": {"persistedQuery": {"sha256Hash": "x"}}}, "invalid_document_id"),
        ({"extensions": {"persistedQuery": {}}}, "invalid_document_id"),
        ({"extensions": {"persistedQuery": []}}, "invalid_document_id"),
        ({"extensions": {}}, "missing_query"),
        ({"documentId": f"sha256:{UNKNOWN}", "query": WHO}, "document_hash_mismatch"),
        ({"extensions": {"persistedQuery": {"sha256Hash": UNKNOWN}}, "query": WHO}, "document_hash_mismatch"),
        ({"documentId": f"sha256:{UNKNOWN}", "query": 1}, "missing_query"),
    ],
)
async def test_what_is_no_id_is_refused(client: httpx.AsyncClient, body: dict[str, Any], expected: str) -> None:
    assert code(await post(client, **body)) == (400, expected)


async def test_a_mutation_by_its_id_is_refused_over_get(client: httpx.AsyncClient) -> None:
    text = 'mutation { enrollContacts(input: { workflowId: "9", contacts: [] }) { createdCount } }'
    identifier = (await put(client, {"a": text}))["document_ids"]["a"]
    assert code(await client.get(GRAPHQL, params={"documentId": identifier})) == (405, "method_not_allowed")


async def test_trusted_only_refuses_every_other_text_whoever_sends_it(
    organization: TestOrganization, new_organization: MakeOrganization
) -> None:
    client, other = organization.client, (await new_organization()).client
    await put(client, {"who": WHO})
    changed = await client.patch(ACCOUNT, json={"graphql_trusted_only": True})
    assert (changed.status_code, changed.json()["graphql_trusted_only"]) == (200, True)
    for role in MemberRole:
        caller = organization.as_role(role)
        assert (await post(caller, query=WHO)).status_code == 200
        assert (await post(caller, documentId=f"sha256:{sha256_hex(WHO)}")).status_code == 200
        for text in (f"{WHO} ", "{ __schema { types { name } } }", "{ nothing"):
            assert code(await post(caller, query=text)) == (403, "untrusted_document")
            assert code(await caller.get(GRAPHQL, params={"query": text})) == (403, "untrusted_document")
    streamed = await client.post(GRAPHQL, json={"query": f"{WHO} "}, headers={"accept": "text/event-stream"})
    assert '"code":"untrusted_document"' in streamed.text
    assert (await post(other, query=f"{WHO} ")).json() == ADMIN
    assert (await client.patch(ACCOUNT, json={"graphql_trusted_only": None})).status_code == 422
    await client.patch(ACCOUNT, json={"graphql_trusted_only": False})
    assert (await post(client, query=f"{WHO} ")).json() == ADMIN


async def test_a_deleted_document_does_not_run_any_more(client: httpx.AsyncClient) -> None:
    identifier = (await put(client, {"who": WHO}))["document_ids"]["who"]
    assert (await post(client, documentId=identifier)).json() == ADMIN
    assert (await client.delete(f"{DOCUMENTS}/{identifier}")).status_code == 204
    assert code(await post(client, documentId=identifier)) == (400, "document_not_found")
    gone = await client.delete(f"{DOCUMENTS}/{identifier}")
    assert (gone.status_code, gone.json()["error"]) == (404, "document_not_found")
    await put(client, {"who": WHO})
    assert (await post(client, documentId=identifier)).json() == ADMIN


async def test_another_process_learns_of_it_within_seconds(
    organization: TestOrganization, services: AppServices
) -> None:
    """The cache of a process that did not do it itself, with its own sense of time."""
    now, client = [100.0], organization.client
    there = TrustedDocuments(services.database, clock=lambda: now[0])
    sha256 = (await put(client, {"who": WHO}))["document_ids"]["who"].removeprefix("sha256:")
    assert await there.text(organization.id, sha256) == WHO
    assert await there.text(organization.id, UNKNOWN) is None
    await client.delete(f"{DOCUMENTS}/{sha256}")
    late = "query Late { viewer { role } }"
    assert await there.text(organization.id, sha256_hex(late)) is None
    await put(client, {"late": late})
    assert await there.text(organization.id, sha256) == WHO
    assert await there.text(organization.id, sha256_hex(late)) is None
    now[0] += 1.1
    assert await there.text(organization.id, sha256_hex(late)) == late
    now[0] += 4
    assert await there.text(organization.id, sha256) is None


async def test_what_is_remembered_is_bounded(organization: TestOrganization, services: AppServices) -> None:
    known = TrustedDocuments(services.database)
    await put(organization.client, {"who": WHO})
    assert await known.text(organization.id, sha256_hex(WHO)) == WHO
    for begin in range(0, 1_200, 100):
        guesses = [known.text(organization.id, f"{number:064x}") for number in range(begin, begin + 100)]
        assert set(await asyncio.gather(*guesses)) == {None}
    assert len(known) == 1_001


async def test_the_schema_is_published_for_tools(client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    from drippulse_graphql.schema import sdl

    answer = await client.get("/graphql/schema.graphql")
    assert (answer.status_code, answer.text) == (200, sdl())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    etag = answer.headers["etag"]
    for known in (etag, f'W/{etag}, "other"', "*"):
        again = await client.get("/graphql/schema.graphql", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await client.get("/graphql/schema.graphql", headers={"if-none-match": '"old"'})).status_code == 200
    refused = await anonymous.get("/graphql/schema.graphql")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "unauthorized")


async def test_turning_it_on_over_graphql_takes_effect_at_once(client: httpx.AsyncClient) -> None:
    change = "mutation { updateAccount(input: { graphqlTrustedOnly: true }) { userErrors { code } } }"
    assert (await post(client, query=WHO)).json() == ADMIN  # so that this process remembers that it may
    assert (await post(client, query=change)).json() == {"data": {"updateAccount": {"userErrors": []}}}
    assert code(await post(client, query=WHO)) == (403, "untrusted_document")
