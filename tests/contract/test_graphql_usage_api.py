"""What clients ask for is counted by client, operation and deprecated field, in bounded memory and few rows."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse

from drippulse.graphql_clients.usage.counting import MAX_ROWS, MORE, GraphqlUsage, Use
from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database, Role
from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.documents import Documents, operation_of
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.usage import UsageOfOperations, deprecated_in
from drippulse_graphql.kit.usage_in_variables import outdated_types, sent_in, watched_of
from tests.support.live_app import asgi_socket, live_app, live_streams
from tests.support.organizations import TestOrganization
from tests.support.waiting import eventually

USAGE = "/api/v1/graphql/usage"
ALLOWED_MICROSECONDS = 20
SCHEMA = build_schema("""
enum Color { RED GREEN @deprecated(reason: "Use RED; goes after 2027-05-01.") }
input Filter {
  color: Color, colour: Color @deprecated(reason: "Use color; goes after 2027-05-01."), also: [Filter!], size: Size
}
input Size { width: Int }
type Query {
  things(filter: Filter, size: Int, sizes: [Size!], colors: [Color!],
    limit: Int @deprecated(reason: "Use size; goes after 2027-05-01.")): [Thing!]!
}
interface Named { name: String @deprecated(reason: "Use title; goes after 2027-05-01.") title: String }
type Thing implements Named { name: String @deprecated(reason: "Use title; goes after 2027-05-01.") title: String }
""")

SENT: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"f": None, "c": None, "s": None}, set()),
    ({"f": {"color": "RED", "also": [{"size": {"width": 1}}]}, "c": ["RED"], "s": [{"width": 1}]}, set()),
    ({"f": {"colour": None}}, {"Filter.colour"}),
    ({"f": {"color": "GREEN"}}, {"Color.GREEN"}),
    ({"f": {"also": {"colour": "GREEN"}}}, {"Filter.colour", "Color.GREEN"}),  # one stands for a list of one
    ({"f": {"also": [{"color": "RED"}, {"also": [{"colour": "RED"}]}]}}, {"Filter.colour"}),
    ({"c": ["RED", "GREEN", "GREEN"]}, {"Color.GREEN"}),
    ({"c": "GREEN"}, {"Color.GREEN"}),
    ({"f": ["colour"], "c": [7, {}, None], "s": {"colour": 1}, "other": {"colour": 1}}, set()),  # fits nothing
]


async def usage(http: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await http.get(USAGE, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("document", "coordinates"),
    [
        ("{ things { title } }", ()),
        ("{ things { name again: name } }", ("Thing.name",)),
        ("{ things { ...F } } fragment F on Named { name }", ("Named.name",)),
        ("{ things(limit: 1) { title } }", ("Query.things(limit:)",)),
        ("{ things(filter: {colour: RED}) { title } }", ("Filter.colour",)),
        ("{ things(filter: {color: GREEN}, colors: [GREEN, RED]) { title } }", ("Color.GREEN",)),
        ("query ($c: Color = GREEN) { things(filter: {color: $c}) { title } }", ("Color.GREEN",)),
        ("{ things(limit: 1) { name } }", ("Query.things(limit:)", "Thing.name")),
    ],
)
def test_deprecated_parts_of_a_document_are_found(document: str, coordinates: tuple[str, ...]) -> None:
    assert deprecated_in(SCHEMA, parse(document)) == coordinates


@pytest.mark.parametrize(("variables", "coordinates"), SENT)
def test_deprecated_parts_of_variables_are_found(variables: dict[str, Any], coordinates: set[str]) -> None:
    query = "query ($f: Filter, $c: [Color!], $s: [Size!]!) { things(filter: $f, colors: $c, sizes: $s) { title } }"
    outdated = outdated_types(SCHEMA)
    watched = watched_of(SCHEMA, operation_of(parse(query), None), outdated)
    assert outdated == {"Filter", "Color"}
    assert [name for name, _ in watched] == ["f", "c"]
    assert sent_in(watched, variables, outdated) == coordinates


def test_without_deprecated_inputs_no_variable_is_looked_at() -> None:
    schema = build_schema("input Filter { color: String } type Query { things(filter: Filter): Int }")
    operation = operation_of(parse("query ($f: Filter) { things(filter: $f) }"), None)
    assert watched_of(schema, operation, outdated_types(schema)) == ()


def test_deprecated_parts_are_found_however_deep_they_lie() -> None:
    schema = build_schema("""
    input A { b: [B!]! }  input B { c: C }  input C { old: Int @deprecated, a: A }  input D { e: Int }
    type Query { things(a: A, d: D): Int }""")
    outdated = outdated_types(schema)
    watched = watched_of(schema, operation_of(parse("query ($a: A, $d: D) { things(a: $a, d: $d) }"), None), outdated)
    assert outdated == {"A", "B", "C"}
    assert sent_in(watched, {"a": {"b": [{"c": {"a": {"b": [{"c": {"old": 1}}]}}}]}, "d": {"e": 1}}, outdated) == {
        "C.old"
    }


async def test_uses_in_variables_are_counted_for_the_request_that_sends_them(
    organization: TestOrganization, services: AppServices
) -> None:
    """The document is the same, and remembered."""
    counts = GraphqlUsage(services.database, utc_now)
    operations = UsageOfOperations(SCHEMA, Documents(SCHEMA), counts)
    query = "query Find($f: Filter) { things(filter: $f) { name } }"
    for sent in ({"colour": "RED"}, {"color": "RED"}, {"color": "GREEN"}, {"color": "GREEN"}, {}):
        operations.count(organization.id, {}, Operation(query, variables={"f": sent}))
    await counts.close()
    deprecated = (await usage(organization.client, deprecated="true"))["usage"]
    assert {(row["field"], row["requests"]) for row in deprecated} == {
        ("Thing.name", 5),
        ("Filter.colour", 1),
        ("Color.GREEN", 2),
    }
    plain = (await usage(organization.client, deprecated="false"))["usage"]
    assert [(row["operation"], row["requests"]) for row in plain] == [("Find", 5)]


async def test_operations_are_counted_by_client_and_version(client: httpx.AsyncClient) -> None:
    who, other = "query Who { viewer { role } }", "{ viewer { role } }"
    apollo = {"apollographql-client-name": "web", "apollographql-client-version": "1.2"}
    for headers, text in (
        *((apollo, who),) * 3,
        ({"x-client-name": "web", "x-client-version": "1.3"}, who),
        ([(b"x-client-name", "\N{SNOWMAN}".encode())], other),
        ({"x-client-name": "x" * 500}, other),
    ):
        assert (await client.post("/graphql", json={"query": text}, headers=headers)).status_code == 200
    for refused in (
        "{ nothing }",
        "{",
        "{ workflows(first: 200) { nodes { enrollments(first: 200) { totalCount } } } }",
    ):
        await client.post("/graphql", json={"query": refused}, headers=apollo)
    today = datetime.now(UTC).date().isoformat()
    found = await usage(client)
    days = {"field": None, "first_day": today, "last_day": today}
    anonymous = f"sha256:{sha256_hex(other)[:12]}"
    assert found["usage"][0] == {"client": "web", "version": "1.2", "operation": "Who", "requests": 3, **days}
    rest = {(row["client"], row["version"], row["operation"], row["requests"]) for row in found["usage"][1:]}
    assert rest == {("web", "1.3", "Who", 1), ("", "", anonymous, 1), ("x" * 100, "", anonymous, 1)}
    assert (found["total_count"], found["until"]) == (4, today)
    assert {row["version"] for row in (await usage(client, client="web"))["usage"]} == {"1.2", "1.3"}
    assert (await usage(client, to="2020-01-31"))["usage"] == []
    assert (await usage(client, deprecated="true"))["usage"] == []


async def test_what_has_not_begun_is_not_counted(
    client: httpx.AsyncClient, organization: TestOrganization, services: AppServices
) -> None:
    """Over HTTP, as server-sent events and over a socket."""
    number = "query Refused($n: Int) { workflows(first: $n) { totalCount } }"
    live = 'subscription Refused { recordChanged(recordTypes: ["zz"]) { cursor } }'
    change = "mutation Refused { resumeOrganization(input: {}) { userErrors { code } } }"
    fails = 'query Fails { node(id: "x") { id } }'
    events = {"accept": "text/event-stream"}
    for headers in ({}, events):
        for refused in ({"query": number, "variables": {"n": "x"}}, {"query": live}):
            assert "errors" in (await client.post("/graphql", json=refused, headers=headers)).text
        assert "method_not_allowed" in (await client.get("/graphql", params={"query": change}, headers=headers)).text
        assert "invalid_id" in (await client.post("/graphql", json={"query": fails}, headers=headers)).text
    async with asgi_socket(live_app(services, live_streams(services)), organization.keys[MemberRole.ADMIN]) as socket:
        for payload in ({"query": number, "variables": {"n": "x"}}, {"query": live}):
            await socket.send(id="1", type="subscribe", payload=payload)
            assert (await socket.receive())["type"] == "error"
        await socket.subscribe("2", fails)
        assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await socket.subscribe("3", "subscription Heard { recordChanged { cursor } }")
        await socket.settled()
    counted = {row["operation"]: row["requests"] for row in (await usage(client))["usage"]}
    assert counted == {"Fails": 3, "Heard": 1, f"sha256:{sha256_hex('{ viewer { role } }')[:12]}": 1}


async def test_uses_of_deprecated_fields_are_counted_once_a_request(
    organization: TestOrganization, services: AppServices
) -> None:
    counts = GraphqlUsage(services.database, utc_now)
    operations = UsageOfOperations(SCHEMA, Documents(SCHEMA), counts)
    old = Operation("query Old { things(limit: 1) { name again: name } }")
    for _ in range(3):
        operations.count(organization.id, {"x-client-name": "app"}, old)
    operations.count(organization.id, {"x-client-name": "app"}, Operation("query New { things { title } }"))
    await counts.close()
    deprecated = (await usage(organization.client, deprecated="true"))["usage"]
    assert {(row["operation"], row["field"], row["requests"]) for row in deprecated} == {
        ("Old", "Query.things(limit:)", 3),
        ("Old", "Thing.name", 3),
    }
    plain = (await usage(organization.client, deprecated="false"))["usage"]
    assert [(row["operation"], row["requests"]) for row in plain] == [("Old", 3), ("New", 1)]


async def test_a_day_has_a_thousand_rows_and_loses_no_request(
    organization: TestOrganization, services: AppServices
) -> None:
    first, second = (GraphqlUsage(services.database, utc_now) for _ in range(2))
    kept = Use("Kept")
    first.count(organization.id, "web", "", kept)
    await first.flush()
    second.count(organization.id, "web", "", kept)
    for number in range(MAX_ROWS + 500):
        first.count(organization.id, f"made up {number}", "", Use("Op", ("Thing.name",)))
        second.count(organization.id, "web", str(number), Use("Op"))
    assert (len(first), len(second)) == (MAX_ROWS + 1, MAX_ROWS + 1)
    await first.close()
    await second.close()
    async with services.database.session(Role.AUTH) as session:
        rows = await session.fetch("SELECT * FROM graphql_usage WHERE organization_id = $1", organization.id)
    requests = {field: sum(row["requests"] for row in rows if row["field"] == field) for field in ("", "Thing.name")}
    assert requests == {"": 2 * (MAX_ROWS + 500) + 2, "Thing.name": MAX_ROWS + 500}
    assert len(rows) <= MAX_ROWS + 4
    assert {row["requests"] for row in rows if row["operation"] == "Kept"} == {2}
    assert any(row["client"] == MORE for row in rows)


async def test_what_cannot_be_added_now_is_added_later(organization: TestOrganization, services: AppServices) -> None:
    away = Database(services.settings)
    await away.open()
    counts = GraphqlUsage(away, utc_now, seconds=3600)
    counts.count(organization.id, "web", "", Use("Kept"))
    await away.pool.close()
    await counts.flush()
    counts.count(organization.id, "web", "", Use("Kept"))
    await away.open()
    await counts.close()
    await away.close()
    assert [(row["operation"], row["requests"]) for row in (await usage(organization.client))["usage"]] == [("Kept", 2)]


async def test_counts_are_added_by_themselves_after_a_while(
    organization: TestOrganization, services: AppServices
) -> None:
    counts = GraphqlUsage(services.database, utc_now, seconds=0.02)
    counts.count(organization.id, "web", "", Use("Soon"))

    async def added() -> bool:
        async with services.database.tenant(organization.id) as session:
            return await session.fetchval("SELECT sum(requests) FROM graphql_usage") == 1

    await eventually(added)
    await counts.close()


async def test_counting_takes_less_than_twenty_microseconds(
    organization: TestOrganization, services: AppServices
) -> None:
    counts = GraphqlUsage(services.database, utc_now, seconds=3600)
    operations = UsageOfOperations(SCHEMA, Documents(SCHEMA), counts)
    headers = httpx.Headers({"authorization": "x", "x-client-name": "web", "x-client-version": "1.2"})
    texts = ["query Old { things(limit: 1) { name title } }" + " " * number for number in range(50)]
    best = 1.0
    for _ in range(20):
        began = time.perf_counter()
        for text in texts:
            operations.count(organization.id, headers, Operation(text))
        best = min(best, (time.perf_counter() - began) / len(texts))
    await counts.close()
    assert best * 1_000_000 < ALLOWED_MICROSECONDS
