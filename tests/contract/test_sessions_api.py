"""Logging in and checking tokens, as the API reference documents them."""

import httpx
import pytest

from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeClient
from tests.support.organizations import PASSWORD, TestOrganization

LOGINS = ("/api/v1/admin/login", "/api/v1/sessions/admin", "/api/v1/auth/login")


@pytest.mark.parametrize("path", LOGINS)
async def test_each_login_route_answers_a_token_and_the_admin(
    path: str, anonymous: httpx.AsyncClient, organization: TestOrganization
) -> None:
    response = await anonymous.post(path, json={"username": organization.username, "password": PASSWORD})
    assert response.status_code == 200
    assert response.json()["admin"] == {
        "id": organization.admin_id,
        "username": organization.username,
        "email": f"{organization.username}@example.com",
        "organization_id": organization.id,
    }
    assert response.json()["token"].count(".") == 2


async def test_a_session_token_opens_the_api(
    anonymous: httpx.AsyncClient, organization: TestOrganization, make_client: MakeClient
) -> None:
    credentials = {"username": organization.username.upper(), "password": PASSWORD}
    token = (await anonymous.post(LOGINS[0], json=credentials)).json()["token"]
    verified = await make_client(token).get("/api/v1/admin/verify")
    assert verified.status_code == 200
    assert verified.json()["admin"]["id"] == organization.admin_id
    assert verified.json()["role"] == "Admin"
    assert (await make_client(token).get("/api/v1/workflows")).json() == {"workflows": [], "total_count": 0}


async def test_verify_tells_what_an_api_key_stands_for(organization: TestOrganization) -> None:
    body = (await organization.as_role(MemberRole.VIEWER).get("/api/v1/admin/verify")).json()
    assert body == {
        "valid": True,
        "actor_type": "api_key",
        "role": "Viewer",
        "organization_id": organization.id,
        "admin": None,
    }


@pytest.mark.parametrize("path", LOGINS)
async def test_unknown_user_and_wrong_password_answer_alike(
    path: str, anonymous: httpx.AsyncClient, organization: TestOrganization
) -> None:
    wrong = await anonymous.post(path, json={"username": organization.username, "password": "wrong"})
    unknown = await anonymous.post(path, json={"username": "nobody", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"username": "a"}, 400, "missing_parameter"),
        ({"password": "a"}, 400, "missing_parameter"),
        ({}, 400, "missing_parameter"),
        ({"username": 1, "password": "a"}, 422, "validation_failed"),
        ({"username": "", "password": "a"}, 422, "validation_failed"),
        ({"username": "a", "password": "a" * 1025}, 422, "validation_failed"),
        ({"username": "a\x00", "password": "a"}, 422, "validation_failed"),
        ({"username": "a", "password": "b", "organization_id": 1}, 422, "validation_failed"),
        ([], 400, "bad_request"),
    ],
)
async def test_login_names_what_is_missing_or_wrong(
    body: object, status: int, error: str, anonymous: httpx.AsyncClient
) -> None:
    response = await anonymous.post(LOGINS[0], json=body)
    assert (response.status_code, response.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("header", "error", "challenge"),
    [
        (None, "unauthorized", "Bearer"),
        ("", "unauthorized", "Bearer"),
        ("Basic YTpi", "unauthorized", "Bearer"),
        ("Bearer", "unauthorized", "Bearer"),
        ("Bearer adcrm_live_unknown", "invalid_token", 'Bearer error="invalid_token"'),
        ("Bearer garbage", "invalid_token", 'Bearer error="invalid_token"'),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "invalid_token", 'Bearer error="invalid_token"'),
        ("Bearer " + "a" * 20_000, "invalid_token", 'Bearer error="invalid_token"'),
    ],
)
async def test_a_missing_or_bad_bearer_is_401_with_a_challenge(
    header: str | None, error: str, challenge: str, anonymous: httpx.AsyncClient
) -> None:
    headers = {} if header is None else {"authorization": header}
    response = await anonymous.get("/api/v1/workflows", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"] == error
    assert response.headers["www-authenticate"] == challenge
