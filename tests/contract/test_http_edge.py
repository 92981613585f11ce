"""What holds for every route: headers, unknown routes and methods, hostile request headers."""

from typing import Any

import httpx
import pytest

from tests.support.workflows import create_workflow

PATHS = ["/health", "/api/v1/workflows", "/graphql", "/docs/api", "/track/n/unsubscribe", "/nowhere", "/api/v1/nowhere"]
EVIL = "https://evil.example"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_no_other_origin_is_let_in_and_nothing_is_sniffed_or_framed(
    method: str, path: str, client: httpx.AsyncClient
) -> None:
    asks = {"origin": EVIL, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    response = await client.request(method, path, headers=asks)
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"
    if method != "OPTIONS" and (path.startswith("/api/") or path == "/graphql"):
        assert response.headers.get("cache-control") == "no-store"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example;proto=https"},
        {"x-original-url": "/api/v1/admin/verify", "x-rewrite-url": "/api/v1/admin/verify"},
        {"x-http-method-override": "DELETE"},
    ],
)
async def test_headers_of_proxies_change_neither_links_nor_routes(
    headers: dict[str, str], client: httpx.AsyncClient
) -> None:
    made = await create_workflow(client)
    for method, path in (("GET", "/api/v1/workflows?page=1"), ("POST", f"/api/v1/workflows/{made['id']}/test")):
        response = await client.request(method, path, headers=headers, json={} if method == "POST" else None)
        assert response.status_code == 200
        assert "evil.example" not in response.text + str(response.headers)
    page = await client.get("/api/v1/workflows?page=1", headers=headers)
    assert page.headers["link"].startswith("</api/v1/workflows?")
    assert page.json()["total_count"] == 1


@pytest.mark.parametrize("given", ["a\r\nset-cookie: x=1", "<script>", "x" * 200, "é", ""])
async def test_a_request_id_that_is_none_is_replaced(given: str, client: httpx.AsyncClient) -> None:
    response = await client.get("/health", headers=[(b"x-request-id", given.encode())])
    assert response.headers["x-request-id"] != given
    assert "set-cookie" not in response.headers


async def test_unknown_routes_answer_alike_with_and_without_a_credential(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for path in (
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/workflows/x/y/z",
        "/api/v2/workflows",
        "/.env",
        "/..%2f..%2fetc",
    ):
        answers = [await one.get(path) for one in (client, anonymous)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
        assert set(answers[0].json()) == {"error", "message"}
        assert answers[0].json()["error"] == "not_found"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "PROPFIND", "FOO", "DELETE"])
async def test_unknown_methods_are_405_and_say_which_there_are(method: str, client: httpx.AsyncClient) -> None:
    response = await client.request(method, "/api/v1/workflows")
    assert (response.status_code, response.json()["error"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(response.headers["allow"].replace(" ", "").split(","))


async def test_options_names_every_method_of_a_path(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    for path, methods in (
        ("workflows", "GET, OPTIONS, POST"),
        (f"workflows/{made['id']}", "DELETE, GET, OPTIONS, PATCH"),
    ):
        response = await client.options(f"/api/v1/{path}")
        assert (response.status_code, response.headers["allow"]) == (204, methods)


async def test_a_path_with_nul_is_no_route(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    for path in (f"/api/v1/workflows/{made['id']}/steps/%00/pause", "/v1/contacts/%00", "/%00"):
        assert (await client.post(path)).status_code in {404, 405}


async def test_null_is_no_number_in_a_query(client: httpx.AsyncClient) -> None:
    refused = await client.get("/v1/workflows?limit=null")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "validation_failed")
    assert (await client.get("/v1/contacts?q=null")).status_code == 200
    made = await create_workflow(client)
    assert (await client.get(f"/api/v1/workflows/{made['id']}/versions/diff?to=null")).status_code == 422


async def test_a_body_that_is_required_has_to_be_there(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client)
    refused = await client.patch(f"/api/v1/workflows/{made['id']}")
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_request")
    assert (await client.patch(f"/api/v1/workflows/{made['id']}", json={})).status_code == 200


async def test_metrics_have_no_data_of_any_organization(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    made = await create_workflow(client, name="Quite secret plans")
    await client.get(f"/api/v1/workflows/{made['id']}", params={"q": "canary"})
    await client.request("FOO-BAR", f"/made/up/{made['id']}")
    text = (await anonymous.get("/metrics")).text
    routes: set[Any] = {line.split('route="')[1].split('"')[0] for line in text.splitlines() if 'route="' in line}
    assert "/api/v1/workflows/{workflow_id}" in routes
    assert not [route for route in routes if str(made["id"]) in route.split("/") or "made" in route]
    for word in ("Quite secret", "canary", "FOO-BAR"):
        assert word not in text
