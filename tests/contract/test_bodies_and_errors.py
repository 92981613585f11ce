"""What every route does with broken bodies, unknown routes and its own failures."""

import httpx
import pytest
from litestar import Litestar, get
from litestar.exceptions import ImproperlyConfiguredException

from drippulse.organizations.policy import Permission
from drippulse_rest.app import API
from drippulse_rest.kit.edge import Edge
from drippulse_rest.kit.problems import EXCEPTION_HANDLERS
from drippulse_rest.kit.routes import refuse_undeclared

JSON = {"content-type": "application/json"}
PATH = "/api/v1/workflows"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"name": "x"', "line 1, column"),
        (b'{"name":\n "x",, }', "line 2, column"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"name": NaN}', "line 1"),
        (b'{"name": 1e400}', "infinity"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b"name=x", "line 1"),
    ],
)
async def test_malformed_json_is_400_and_says_where(content: bytes, where: str, client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, content=content, headers=JSON)
    assert (response.status_code, response.json()["error"]) == (400, "malformed_json")
    assert where in response.json()["message"]


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
async def test_deep_json_is_400(depth: int, client: httpx.AsyncClient) -> None:
    content = b'{"name":' * depth + b"1" + b"}" * depth
    response = await client.post(PATH, content=content, headers=JSON)
    assert (response.status_code, response.json()["error"]) == (400, "malformed_json")
    assert "64" in response.json()["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": ";;;"},
    ],
)
async def test_bodies_that_are_not_json_by_their_headers_are_415(
    headers: dict[str, str], client: httpx.AsyncClient
) -> None:
    response = await client.post(PATH, content=b'{"name": "x"}', headers=headers)
    assert (response.status_code, response.json()["error"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", [None, "application/json; charset=UTF-8", "application/vnd.api+json"])
async def test_json_is_taken_under_its_other_names(content_type: str | None, client: httpx.AsyncClient) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await client.post(PATH, content=b'{"name": "x"}', headers=headers)
    assert response.status_code == 201, response.text


async def test_large_bodies_are_refused_before_they_are_read(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, content=b"x" * 10_485_760, headers=JSON)
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/workflows/abc", 404, "not_found"),
        ("PUT", "/api/v1/workflows", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
    ],
)
async def test_unknown_routes_and_methods_answer_in_the_same_shape(
    method: str, path: str, status: int, error: str, client: httpx.AsyncClient
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers["x-request-id"]
    if status == 405:
        assert "GET" in response.headers["allow"]


async def test_nul_in_texts_and_parameters_is_refused(client: httpx.AsyncClient) -> None:
    body = await client.post(PATH, json={"name": "a\x00b"})
    assert (body.status_code, body.json()["error"]) == (422, "validation_failed")
    query = await client.get(f"{PATH}?q=a%00b")
    assert (query.status_code, query.json()["error"]) == (400, "bad_request")


async def test_request_ids_are_taken_or_made(client: httpx.AsyncClient) -> None:
    given = await client.get(PATH, headers={"x-request-id": "trace-42"})
    assert given.headers["x-request-id"] == "trace-42"
    for bad in ("has space", "x" * 129, "<script>"):
        made = await client.get(PATH, headers={"x-request-id": bad})
        assert made.headers["x-request-id"] != bad


async def test_default_headers(client: httpx.AsyncClient) -> None:
    response = await client.get(PATH)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_an_unexpected_error_shows_an_id_and_nothing_else() -> None:
    @get("/broken")
    async def broken() -> None:
        raise RuntimeError("SELECT secret FROM somewhere")

    app = Litestar([broken], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)
    app.asgi_handler = Edge(app.asgi_handler)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType] - two spellings of one protocol
    async with httpx.AsyncClient(transport=transport, base_url="http://drippulse.test") as own:
        response = await own.get("/broken", headers={"x-request-id": "r-1"})
    assert response.status_code == 500
    assert response.json() == {
        "error": "internal_error",
        "message": "Something went wrong on our side. Quote request id r-1 when you report it.",
        "request_id": "r-1",
    }


async def test_health_names_what_fails_and_turns_ok_with_a_fresh_beat(
    anonymous: httpx.AsyncClient, engine_beat: None
) -> None:
    for path in ("/health", "/api/v1/health"):
        response = await anonymous.get(path)
        assert response.status_code == 200
        assert response.json() == {
            "status": "ok",
            "checks": {"postgresql": "ok", "redis": "ok", "sweeper": "ok"},
        }


async def test_metrics_count_by_route_template(client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    await client.get(f"{PATH}/123456789")
    await client.get("/no/such/route/987")
    text = (await anonymous.get("/metrics")).text
    assert 'route="/api/v1/workflows/{workflow_id}",status="404"' in text
    assert 'route="unmatched",status="404"' in text
    assert "123456789" not in text
    assert "/no/such" not in text


def test_every_route_declares_its_access() -> None:
    for handler in API:
        assert isinstance(handler.opt.get("permission"), Permission) or handler.opt.get("public") is True


def test_a_route_without_access_keeps_the_application_from_starting() -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="declares no access"):
        refuse_undeclared([forgotten])
