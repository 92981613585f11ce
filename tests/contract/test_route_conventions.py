"""What the contract says of every route, asked of every route: wrappers, read-only fields, keys, lists."""

import time
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from drippulse.kit.filters import Kind, Operator, split_name
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.routes import Documented
from tests.conftest import MakeOrganization
from tests.support.api_description import api_description
from tests.support.workflows import create_workflow, enroll

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
UNKNOWN = "999999999"
SOON = 0.1
"""Seconds of this thread's processor."""
UNWRAPPED = {
    "acceptInvitation": "a token and a password are no resource",
    "sendEvents": "a batch has no singular",
    "putGraphqlDocuments": "a manifest has no singular",
}
"""Writes that make or change a resource and take it top level alone: operation id -> why."""
NOT_ECHOED = {
    "acceptInvitation": "answers the member that it made",
    "bulkEnroll": "answers what became of each contact",
    "sendEvents": "answers what became of each event",
    "putGraphqlDocuments": "answers what became of each document",
}
"""Writes whose answer is not the resource that was sent: operation id -> what it is."""
Route = tuple[str, str, HTTPRouteHandler, Documented]


@pytest.fixture(scope="module")
def routes(app: Litestar) -> list[Route]:
    """(method, path, handler, what it declares) of every route that is made by `route` or `list_route`."""
    return [
        (str(method), route.path_format, handler, handler.opt["documented"])
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if isinstance(handler.opt.get("documented"), Documented)
        for method in handler.http_methods
    ]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in api_description()["paths"].items()
        for method, operation in cast("dict[str, Any]", item).items()
    ]


WITH_KEY = [entry for entry in operations() if entry[0] in WRITES and entry[2].get("security")]


def operation_id(entry: tuple[str, str, dict[str, Any]]) -> str:
    return str(entry[2]["operationId"])


def changes(route: Route) -> bool:
    """Whether it creates or updates a resource from a body."""
    method, _, handler, documented = route
    made = method in {"PATCH", "PUT"} or (method == "POST" and handler.status_code == 201)
    return documented.body is not None and made


def test_bodies_of_creates_and_updates_have_a_wrapper(routes: list[Route]) -> None:
    bare: set[str] = set()
    for route in routes:
        _, path, handler, documented = route
        if changes(route) and not path.startswith("/v1/") and documented.body and not documented.body.wrapper:
            bare.add(str(handler.operation_id))
    assert bare == set(UNWRAPPED), "give Body a wrapper, or say why it has none"


def test_what_an_answer_shows_may_be_sent_back(routes: list[Route]) -> None:
    for route in routes:
        method, path, handler, documented = route
        answer, body = documented.answer, documented.body
        if answer is None or body is None or not changes(route) or str(handler.operation_id) in NOT_ECHOED:
            continue
        shown = {field.alias or name for name, field in answer.model_fields.items()}
        taken = {field.alias or name for name, field in body.model.model_fields.items()}
        left = shown - taken - body.read_only
        assert not left, f"{method} {path}: read-only fields that Body does not name: {sorted(left)}"


def test_every_route_with_a_permission_that_writes_takes_a_key(routes: list[Route]) -> None:
    for method, path, handler, documented in routes:
        writes = method in WRITES and isinstance(handler.opt.get("permission"), Permission)
        assert (documented.keyed is not None) is writes, f"{method} {path}"


@pytest.mark.parametrize("entry", WITH_KEY, ids=operation_id)
def test_every_write_describes_its_key(entry: tuple[str, str, dict[str, Any]]) -> None:
    operation = entry[2]
    [parameter] = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]
    assert (parameter["in"], parameter["required"]) == ("header", False)
    answers = operation["responses"]
    success = next(answer for status, answer in answers.items() if status.startswith("2"))
    assert success["headers"]["Idempotent-Replayed"]["$ref"] == "#/components/headers/Idempotent-Replayed"
    assert "`invalid_idempotency_key`" in answers["400"]["description"]
    assert "`idempotency_in_flight`" in answers["409"]["description"]
    assert "`idempotency_mismatch`" in answers["422"]["description"]
    assert "`rate_limited`" in answers["429"]["description"]


@pytest.mark.parametrize("entry", WITH_KEY, ids=operation_id)
async def test_every_write_honours_its_key(
    entry: tuple[str, str, dict[str, Any]], new_organization: MakeOrganization
) -> None:
    """With the body of its example, on what is there. What it refuses is not kept; what it does it does once."""
    method, template, operation = entry
    client = (await new_organization()).client
    workflow = (await create_workflow(client))["id"]
    [enrollment] = (await enroll(client, workflow))["enrollment_ids"]
    path = template.replace("{workflow_id}", str(workflow)).replace("{enrollment_id}", str(enrollment))
    for parameter in operation["parameters"]:
        path = path.replace(f"{{{parameter['name']}}}", UNKNOWN)
    query = {one["name"]: "a@b.com" for one in operation["parameters"] if one["in"] == "query" and one["required"]}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = content.get("example", {}) if content else None

    async def send(key: str) -> httpx.Response:
        return await client.request(method, path, json=body, params=query, headers={"Idempotency-Key": key})

    refused = await send("x" * 256)
    told = refused.json()["error"]
    assert (refused.status_code, told["code"] if path.startswith("/v1/") else told) == (400, "invalid_idempotency_key")
    first, again = await send("k"), await send("k")
    assert first.status_code < 500, first.text
    if first.is_success:
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
    else:
        assert (again.status_code, "idempotent-replayed" in again.headers) == (first.status_code, False)


@pytest.mark.parametrize("number", [2**63, 10**40, -(2**63) - 1, 0])
async def test_an_id_that_no_row_can_have_is_not_found(number: int, client: httpx.AsyncClient) -> None:
    for method, template, operation in operations():
        parameters = [one for one in operation.get("parameters", []) if one["in"] == "path"]
        if method == "GET" and any(one["schema"].get("type") == "integer" for one in parameters):
            path = template
            for one in parameters:
                path = path.replace(f"{{{one['name']}}}", str(number))
            assert (await client.get(path)).status_code in {404, 422}, path


def lists(routes: list[Route]) -> list[tuple[str, Documented]]:
    return [(path, documented) for _, path, _, documented in routes if documented.listing is not None]


async def timed(client: httpx.AsyncClient, url: str) -> tuple[httpx.Response, float]:
    """The answer, and what it took of this thread's processor."""
    began = time.thread_time()
    answer = await client.get(url)
    return answer, time.thread_time() - began


@pytest.mark.parametrize(
    ("query", "named", "words"),
    [
        ("page_size=1000000000", "page_size", 'Did you mean "per_page"?'),
        ("per_page=1000000000", "per_page", "from 1 to 200"),
        ("per_page=" + "9" * 5000, "per_page", "from 1 to 200"),
        ("per_page=0", "per_page", "from 1 to 200"),
        ("page=1000000001", "page", "from 1 to"),
        ("page=-1", "page", "from 1 to"),
        ("page=1&page=2", "page", "given twice"),
        ("curser=", "curser", 'Did you mean "cursor"?'),
        ("cursor=abc", "cursor", "not made by this list"),
        ("page[gte]=1", "page[gte]", "not a parameter"),
        ("[]=1", "[]", "not a parameter"),
        ("%F0%9F%92%A3=1", "\N{BOMB}", "not a parameter"),
    ],
)
async def test_every_list_refuses_what_it_does_not_know_at_once(
    query: str, named: str, words: str, routes: list[Route], client: httpx.AsyncClient
) -> None:
    for path, _ in lists(routes):
        place = "/".join(UNKNOWN if part.startswith("{") else part for part in path.split("/"))
        answer, took = await timed(client, f"{place}?{query}")
        if took >= SOON:  # garbage was collected meanwhile
            answer, took = await timed(client, f"{place}?{query}")
        assert took < SOON, path
        assert answer.status_code == 422, f"{path}: {answer.text}"
        assert named in answer.json()["errors"], path
        assert words in answer.json()["message"], path


async def test_every_list_pages_sorts_and_filters_by_what_it_names(
    routes: list[Route], client: httpx.AsyncClient
) -> None:
    workflow = (await create_workflow(client))["id"]
    for path, documented in lists(routes):
        place = path.replace("{workflow_id}", str(workflow))
        if "{" in place or documented.listing is None:
            continue
        listing = documented.listing
        queries = [{"page": "1", "per_page": "2"}, {"cursor": ""}, *([{"q": "a%_"}] if listing.search else [])]
        queries += [{"sort": f"{sign}{name}"} for name in listing.sorts for sign in ("", "-") if listing.sortable]
        for name, field in listing.filters.items():
            example = field.choices[0] if field.choices else EXAMPLES[field.kind]
            for operator in field.allowed:
                text = "true" if operator is Operator.EXISTS else example
                queries.append({f"{name}[{operator}]": text})
        for query in queries:
            answer = await client.get(place, params=query)
            read = [field for name, field in listing.filters.items() if split_name(next(iter(query)))[0] == name]
            if answer.status_code == 422 and read and read[0].read:
                continue  # written otherwise than its kind
            assert answer.status_code == 200, f"{place} {query}: {answer.text}"
            assert isinstance(answer.json()["total_count"], int)
            if {"page", "cursor"} & set(query):
                assert "next_cursor" in answer.json(), f"{place} {query}"


EXAMPLES = {
    Kind.TEXT: "a",
    Kind.INTEGER: "1",
    Kind.NUMBER: "1.5",
    Kind.BOOLEAN: "true",
    Kind.TIMESTAMP: "2026-01-31T09:00:00Z",
    Kind.UUID: "01890a5d-ac96-774b-bcce-b302099a8057",
}
