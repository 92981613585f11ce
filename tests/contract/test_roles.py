"""Every operation of the API description by every role, and without a credential."""

from typing import Any, cast

import httpx
import pytest

from drippulse.organizations.policy import GRANTS, Permission
from drippulse.organizations.tables import MemberRole
from drippulse_rest.app import openapi_document
from tests.support.organizations import TestOrganization

WRITES = {"post", "patch", "delete", "put"}
READING_POSTS: set[str] = set()
"""Operations that need the right to read alone, whatever their method."""


def _protected() -> list[tuple[str, str, str]]:
    return [
        (operation["operationId"], method, path)
        for path, item in openapi_document()["paths"].items()
        for method, operation in cast("dict[str, Any]", item).items()
        if operation.get("security")
    ]


def _needs(operation_id: str, method: str) -> Permission:
    return Permission.WRITE if method in WRITES and operation_id not in READING_POSTS else Permission.READ


def _url(path: str) -> str:
    for name in ("workflow_id", "enrollment_id", "connection_id"):
        path = path.replace(f"{{{name}}}", "999999999")
    assert "{" not in path, "a new path parameter: give it a value here"
    return path


@pytest.mark.parametrize("role", list(MemberRole))
@pytest.mark.parametrize(("operation_id", "method", "path"), _protected())
async def test_roles_do_what_they_are_granted_and_nothing_else(
    operation_id: str, method: str, path: str, role: MemberRole, organization: TestOrganization
) -> None:
    body = dict[str, Any]() if method in {"post", "patch", "put"} else None
    response = await organization.as_role(role).request(method.upper(), _url(path), json=body)
    if _needs(operation_id, method) in GRANTS[role]:
        assert response.status_code not in {401, 403, 500}
    else:
        assert (response.status_code, response.json()["error"]) == (403, "forbidden")


@pytest.mark.parametrize(("operation_id", "method", "path"), _protected())
async def test_without_a_credential_everything_protected_is_401(
    operation_id: str, method: str, path: str, anonymous: httpx.AsyncClient
) -> None:
    response = await anonymous.request(method.upper(), _url(path))
    assert response.status_code == 401, operation_id
    assert response.headers["www-authenticate"] == "Bearer"
