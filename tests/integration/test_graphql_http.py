"""`/graphql` over HTTP: credentials, media types, statuses, masked errors, the explorer's page."""

from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
import strawberry
from litestar import Litestar
from structlog.testing import capture_logs

from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Permission
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.execution import Executor
from drippulse_graphql.explorer.page import SCRIPTS
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.router import create_graphql_router
from drippulse_graphql.schema import Mutation, build_schema, core_schema
from tests.support.graphql import error_code, raw_graphql
from tests.support.organizations import TestOrganization

VIEWER = {"query": "{ viewer { role } }"}
GRAPHQL_JSON = "application/graphql-response+json"


def _code(response: httpx.Response) -> str:
    return response.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic abc", "Bearer ", "Bearer adcrm_live_nonsense"])
async def test_without_a_valid_credential_401_before_anything_is_read(
    anonymous: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"authorization": header}
    for response in (
        await anonymous.post("/graphql", content=b"not json", headers=headers),
        await anonymous.post("/graphql", json={"query": "{ __schema { types { name } } }"}, headers=headers),
        await anonymous.get("/graphql", params=VIEWER, headers=headers),
    ):
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert _code(response) in {"unauthorized", "invalid_token"}


async def test_a_session_token_works_as_an_api_key_does(
    anonymous: httpx.AsyncClient, organization: TestOrganization
) -> None:
    body = {"username": organization.username, "password": "correct horse battery staple"}
    token = (await anonymous.post("/api/v1/admin/login", json=body)).json()["token"]
    response = await anonymous.post("/graphql", json=VIEWER, headers={"authorization": f"Bearer {token}"})
    assert response.json() == {"data": {"viewer": {"role": "ADMIN"}}}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
async def test_post_needs_json(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post("/graphql", content=b'{"query": "{ x }"}', headers={"content-type": content_type})
    assert (response.status_code, _code(response)) == (415, "unsupported_media_type")


async def test_answers_in_the_media_type_that_is_asked_for(client: httpx.AsyncClient) -> None:
    modern = await client.post("/graphql", json=VIEWER, headers={"accept": f"{GRAPHQL_JSON}, application/json"})
    legacy = await client.post("/graphql", json=VIEWER, headers={"accept": "application/json"})
    assert modern.headers["content-type"] == GRAPHQL_JSON
    assert legacy.headers["content-type"] == "application/json; charset=utf-8"
    assert modern.json() == legacy.json() == {"data": {"viewer": {"role": "ADMIN"}}}
    assert modern.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{ viewer { role "}, "syntax_error"),
        ({"query": "{ nothing }"}, "validation_failed"),
        ({"query": "query A { viewer { role } } query B { viewer { role } }"}, "unknown_operation"),
        ({"query": "query A { viewer { role } }", "operationName": "C"}, "unknown_operation"),
        ({"query": "query ($id: ID!) { node(id: $id) { id } }"}, "bad_user_input"),
        (
            {"query": "query ($n: Int) { workflows(first: $n) { totalCount } }", "variables": {"n": "x"}},
            "bad_user_input",
        ),
    ],
)
async def test_a_document_that_cannot_run_is_400_for_modern_clients_and_200_for_legacy_ones(
    client: httpx.AsyncClient, body: dict[str, object], code: str
) -> None:
    modern = await client.post("/graphql", json=body, headers={"accept": GRAPHQL_JSON})
    assert (modern.status_code, _code(modern)) == (400, code)
    assert "data" not in modern.json()
    legacy = await client.post("/graphql", json=body, headers={"accept": "application/json"})
    assert (legacy.status_code, _code(legacy)) == (200, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed_json"),
        (b"[" * 20_000 + b"]" * 20_000, "malformed_json"),
        (b'{"query": "{ viewer { role } }", "variables": {"a": ' + b"[" * 64 + b"]" * 64 + b"}}", "malformed_json"),
        (b"[]", "batch_not_supported"),
        (b'"x"', "bad_request"),
        (b"{}", "missing_query"),
        (b'{"query": 1}', "missing_query"),
        (b'{"query": "{ x }", "variables": []}', "bad_request"),
        (b'{"query": "{ x }", "operationName": 1}', "bad_request"),
        (b'{"query": "{ x }", "extensions": 1}', "bad_request"),
    ],
)
async def test_a_request_that_is_not_graphql_is_400(client: httpx.AsyncClient, body: bytes, code: str) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, _code(response)) == (400, code)


async def test_a_body_over_one_megabyte_is_413(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "#" * 1_000_001})
    assert (response.status_code, _code(response)) == (413, "payload_too_large")


async def test_get_runs_queries_only(client: httpx.AsyncClient) -> None:
    variables = '{"id": "999999"}'
    query = "query Q($id: ID!) { workflow(id: $id) { id } }"
    found = await client.get("/graphql", params={"query": query, "variables": variables, "operationName": "Q"})
    assert (found.status_code, found.json()) == (200, {"data": {"workflow": None}})
    mutation = 'mutation { enrollContacts(input: {workflowId: "1", contacts: []}) { createdCount } }'
    refused = await client.get("/graphql", params={"query": mutation})
    assert (refused.status_code, refused.headers["allow"], _code(refused)) == (405, "POST", "method_not_allowed")
    assert (await client.put("/graphql", json=VIEWER)).status_code == 405


async def test_the_explorer_is_there_in_development_only(
    anonymous: httpx.AsyncClient, services: AppServices, make_client: object
) -> None:
    page = await anonymous.get("/graphql", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "https://" not in page.text.partition('<script id="examples"')[0], "it needs nothing from elsewhere"
    for name in ("explorer.js", "explorer.css"):
        assert f"/graphql/explorer/{name}" in page.text
    for name in (*SCRIPTS, "explorer.css"):
        assert (await anonymous.get(f"/graphql/explorer/{name}")).status_code == 200
    assert (await anonymous.get("/graphql/explorer/explorer.html")).status_code == 404
    assert "GraphiQL" in (await anonymous.get("/graphql?ide=graphiql", headers={"accept": "text/html"})).text
    settings = services.settings.model_copy(update={"env": "production"})
    production = Litestar([create_graphql_router(replace(services, settings=settings))], openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", production)), base_url="http://x") as client:
        assert (await client.get("/graphql", headers={"accept": "text/html"})).status_code == 401
        assert (await client.get("/graphql/explorer/explorer.js")).status_code == 404


@pytest.mark.parametrize("role", list(MemberRole))
async def test_each_role_may_read_and_only_writers_may_write(organization: TestOrganization, role: MemberRole) -> None:
    client = organization.as_role(role)
    assert (await raw_graphql(client, VIEWER["query"]))["data"]["viewer"]["role"] == role.name
    mutation = """mutation { enrollContacts(input: {workflowId: "1", contacts: []}) { userErrors { code } } }"""
    answer = await raw_graphql(client, mutation)
    if role in {MemberRole.ADMIN, MemberRole.EDITOR}:
        assert answer["data"]["enrollContacts"]["userErrors"]
    else:
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "forbidden"


async def test_introspection_works_with_a_credential(client: httpx.AsyncClient) -> None:
    from graphql import get_introspection_query

    answer = await raw_graphql(client, get_introspection_query())
    assert {"Workflow", "Enrollment"} <= {found["name"] for found in answer["data"]["__schema"]["types"]}


def test_a_root_field_without_a_permission_fails_while_the_schema_is_built() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def open(self) -> str:
            return "to everybody"

    with pytest.raises(TypeError, match=r"Query\.open must declare exactly one permission"):
        build_schema(query=Query, mutation=Mutation)


async def test_what_is_unforeseen_is_masked_and_logged(services: AppServices, organization: TestOrganization) -> None:
    async def explode() -> str:
        raise RuntimeError("SELECT secret FROM somewhere")

    @strawberry.type
    class Query:
        broken: str | None = strawberry.field(resolver=explode, extensions=[Requires(Permission.READ)])

    schema = build_schema(query=Query, mutation=Mutation)
    executor = Executor(schema, core_schema(schema), Documents(core_schema(schema)), services)
    with capture_logs() as logs:
        answer = await executor.execute(organization.principal, Operation("{ broken }"), read_only=True)
    [error] = answer.errors
    assert answer.data == {"broken": None}
    assert (error["extensions"]["code"], error["path"]) == ("internal_error", ["broken"])
    assert "SELECT" not in str(answer.errors)
    assert [entry["reference"] for entry in logs if entry["event"] == "graphql_internal_error"] == [
        error["extensions"]["request_id"]
    ]


async def test_domain_errors_keep_their_code_and_fields(client: httpx.AsyncClient) -> None:
    answer = await raw_graphql(client, "{ workflows(first: 0) { totalCount } }")
    assert answer["errors"][0]["extensions"] == {
        "code": "validation_failed",
        "errors": {"first": ["first must be from 1 to 200; it is 0."]},
    }
    assert await error_code(client, '{ node(id: "x") { id } }') == "invalid_id"
