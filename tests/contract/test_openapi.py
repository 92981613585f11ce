"""The API description: valid, committed, complete, and what the application really serves."""

from importlib.resources import files
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from drippulse_rest.app import openapi_json
from tests.support.api_description import api_description

METHODS = {"get", "post", "patch", "delete", "put"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return api_description()


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in cast("dict[str, Any]", item).items()
        if method in METHODS
    ]


def test_it_is_valid_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)


def test_the_committed_file_is_what_the_routes_say() -> None:
    committed = files("drippulse_rest").joinpath("openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_json(), "run `make docs`"


def test_every_served_route_is_described(app: Litestar, document: dict[str, Any]) -> None:
    served: set[tuple[str, str]] = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema():
                    served |= {(route.path_format, str(method).lower()) for method in handler.http_methods}
    described = {(path, method) for path, method, _ in _operations(document)}
    assert {entry for entry in served if entry[1] in METHODS and not entry[0].startswith("/dev/")} == described


def test_operation_ids_are_unique_and_named_like_functions(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(ids) == len(set(ids))
    assert all(name[0].islower() and name.isalnum() for name in ids)
    assert {"listWorkflows", "createWorkflow", "bulkEnroll", "getEnrollment", "login"} <= set(ids)


def test_everything_has_words_and_errors_have_our_shape(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        where = f"{method} {path}"
        assert operation.get("summary"), where
        assert operation.get("description"), where
        assert operation.get("tags"), where
        for status, answer in operation["responses"].items():
            assert answer["description"], where
            if int(status) >= 400 and "text/html" in answer["content"]:
                assert operation["tags"] == ["Tracking"], where  # pages for recipients of mail
            elif int(status) >= 400 and int(status) != 503:
                schema = answer["content"]["application/json"]["schema"]
                model = "ErrorEnvelope" if path.startswith("/v1/") else "Problem"
                assert schema == {"$ref": f"#/components/schemas/{model}"}, f"{where} {status}"


def test_protected_routes_say_so(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        if operation.get("security"):
            assert {"401", "403"} <= set(operation["responses"]), f"{method} {path}"
    public = {operation["operationId"] for _, _, operation in _operations(document) if not operation.get("security")}
    assert {"login", "adminLogin", "createAdminSession", "getHealth", "getApiHealth", "readMetrics"} <= public
    assert public.isdisjoint({"listWorkflows", "bulkEnroll", "verifyToken"})


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/docs/skills/drippulse-openapi-v1.json"])
async def test_it_is_served_without_credentials(path: str, anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get(path)
    assert response.status_code == 200
    assert response.json() == api_description()


async def test_the_reference_needs_nothing_from_elsewhere(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs/api")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text
    assert "https://" not in page.text
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/api/assets/{asset}" in page.text
        assert (await anonymous.get(f"/docs/api/assets/{asset}")).status_code == 200
    assert (await anonymous.get("/docs/api/assets/..%2f__init__.py")).status_code == 404
