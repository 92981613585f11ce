"""Who may ask for which root field, and whose ids they take: generated over the schema, expected from REST's routes."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.organizations.policy import GRANTS, Permission
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.models.names import global_id
from drippulse_graphql.schema import Query, Subscription
from tests.conftest import MakeOrganization
from tests.support.access import furnish
from tests.support.graphql import graphql, raw_graphql
from tests.support.organizations import TestOrganization
from tests.support.roots import RootField, declared, plain_id, root_fields

EVERY = root_fields()
QUERIES = [field for field in EVERY if field.root == "Query"]
ABOUT = [field for field in QUERIES if field.id_argument is not None and field.operation is not None]


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


@pytest.mark.parametrize("field", QUERIES, ids=str)
async def test_a_role_may_ask_for_what_rest_tells_it_and_nothing_else(
    field: RootField, organization: TestOrganization
) -> None:
    for role in MemberRole:
        answer = await raw_graphql(organization.as_role(role), field.document())
        expected = [] if field.permission in GRANTS[role] else ["forbidden"]
        assert codes(answer) == expected, (role, answer)


@pytest.mark.parametrize("field", EVERY, ids=str)
def test_a_field_declares_what_rest_asks_for(field: RootField) -> None:
    root = Query if field.root == "Query" else Subscription
    assert declared(root)[field.name] is field.permission


def test_whoever_may_read_may_subscribe() -> None:
    assert set(declared(Subscription).values()) == {Permission.READ}


@pytest.fixture(scope="module")
async def theirs(new_organization: MakeOrganization, services: AppServices) -> dict[str, str]:
    """The ids of what another organization has."""
    return await furnish(await new_organization(), services.database)


@pytest.mark.parametrize("field", ABOUT, ids=str)
async def test_an_id_of_another_organization_is_as_unknown_as_a_random_one(
    field: RootField, theirs: dict[str, str], client: httpx.AsyncClient
) -> None:
    foreign = {str(field.id_argument): f'"{plain_id(theirs[field.belonging])}"'}
    for document in (field.document(), field.document(**foreign)):
        assert await graphql(client, document) == {field.name: None}


@pytest.mark.parametrize("field", ABOUT, ids=str)
async def test_the_global_id_of_another_type_is_refused(field: RootField, client: httpx.AsyncClient) -> None:
    document = field.document(**{str(field.id_argument): f'"{global_id("Nonsense", 1)}"'})
    assert codes(await raw_graphql(client, document)) == ["invalid_id"]


@pytest.mark.parametrize("field", ABOUT, ids=str)
async def test_ids_that_no_column_holds_are_unknown(field: RootField, client: httpx.AsyncClient) -> None:
    for written in ("9" * 19, "-1", "0"):
        answer = await raw_graphql(client, field.document(**{str(field.id_argument): f'"{written}"'}))
        assert answer["data"] == {field.name: None}
        assert set(codes(answer)) <= {"invalid_id"}, answer
