"""`/graphql` to the letter of HTTP: what may be answered, which methods there are, and whose fault it is."""

from typing import Any

import httpx
import pytest

GRAPHQL = "/graphql"
GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json; charset=utf-8"
EVENTS = "text/event-stream"
VIEWER = {"query": "{ viewer { role } }"}
CHANGES = {"query": "subscription { recordChanged { cursor } }"}
ALLOWED = {"GET", "POST", "OPTIONS"}


def code(answer: httpx.Response) -> Any:
    return answer.json()["errors"][0]["extensions"]["code"]


def message(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (f"{EVENTS};q=0, application/json", JSON),
        (f"{GRAPHQL_JSON};q=0, application/json", JSON),
        (f"{GRAPHQL_JSON};q=0.1, application/json;q=0.2", JSON),
        (f"application/json;q=0.1, {GRAPHQL_JSON};q=0.1", GRAPHQL_JSON),
        (f"{EVENTS};q=0.1, application/json", JSON),
        (f"{EVENTS}, application/json", JSON),
        (f"{EVENTS}, application/json;q=0.9", EVENTS),
        ("*/*", JSON),
    ],
)
async def test_what_is_not_acceptable_is_not_answered(client: httpx.AsyncClient, accept: str, answered: str) -> None:
    for answer in (
        await client.post(GRAPHQL, json=VIEWER, headers={"accept": accept}),
        await client.get(GRAPHQL, params=VIEWER, headers={"accept": accept}),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (200, answered)
        assert '{"data":{"viewer":{"role":"ADMIN"}}}' in answer.text.replace(" : ", ":")


async def test_a_subscription_streams_to_who_would_rather_have_json_but_takes_events(client: httpx.AsyncClient) -> None:
    refused = {"query": 'subscription { recordChanged(after: "?") { cursor } }'}
    answer = await client.post(GRAPHQL, json=refused, headers={"accept": f"application/json, {EVENTS};q=0.1"})
    assert answer.headers["content-type"] == EVENTS
    assert "bad_cursor" in answer.text
    never = await client.post(GRAPHQL, json=CHANGES, headers={"accept": f"application/json, {EVENTS};q=0"})
    assert code(never) == "subscription_needs_a_stream"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
async def test_other_methods_are_refused_in_graphqls_own_form(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == ALLOWED
    assert answer.headers["cache-control"] == "no-store"
    if method != "HEAD":
        assert (set(answer.json()), code(answer)) == ({"errors"}, "method_not_allowed")
        assert message(answer) == f"{method} is not a method of this route; the Allow header lists those that are."
    options = await client.options(path)
    assert (options.status_code, set(options.headers["allow"].split(", "))) == (204, ALLOWED)


async def test_a_method_that_the_schemas_file_does_not_have(client: httpx.AsyncClient) -> None:
    answer = await client.put("/graphql/schema.graphql")
    assert (answer.status_code, code(answer)) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "OPTIONS"}


async def test_elsewhere_methods_are_refused_in_the_form_of_rest(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/workflows", "/graphqls"):
        answer = await client.put(path)
        assert set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize("name", ["variables", "extensions"])
async def test_get_says_which_parameter_is_no_json(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(GRAPHQL, params={**VIEWER, name: "{no"})
    assert (answer.status_code, code(answer)) == (400, "malformed_json")
    assert message(answer).startswith(f"The parameter {name} is not JSON: ")
    deep = await client.get(GRAPHQL, params={**VIEWER, name: "[" * 70 + "]" * 70})
    assert (deep.status_code, code(deep)) == (400, "malformed_json")
    assert message(deep) == f"The parameter {name} nests deeper than 64 levels; flatten it."


async def test_post_says_that_the_body_is_no_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(GRAPHQL, content=b"{no", headers={"content-type": "application/json"})
    assert message(answer).startswith("The body is not JSON: ")


async def test_get_of_a_subscription_says_what_it_needs_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get(GRAPHQL, params=CHANGES, headers={"accept": GRAPHQL_JSON})
    assert (answer.status_code, code(answer)) == (400, "subscription_needs_a_stream")
    assert "allow" not in answer.headers
