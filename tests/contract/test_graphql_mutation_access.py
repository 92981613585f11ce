"""Who may call which mutation, and whose ids they take: generated over the schema, expected from REST's routes."""

from typing import Any

import httpx
import pytest

from drippulse.kit.public_ids import decode_id
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import GRANTS
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.models.names import global_id
from tests.conftest import MakeOrganization
from tests.support.access import BODIES, PARAMETERS, furnish
from tests.support.graphql import raw_graphql
from tests.support.mutations import Mutating, mutations
from tests.support.organizations import TestOrganization

EVERY = mutations()
ABOUT = [mutation for mutation in EVERY if "id" in mutation.takes.fields and "{" in mutation.operation.path]
OWN = {"changePassword"}


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


@pytest.mark.parametrize("mutation", EVERY, ids=str)
async def test_a_role_may_do_what_rest_lets_it_and_nothing_else(
    mutation: Mutating, organization: TestOrganization
) -> None:
    for role in MemberRole:
        answer = await raw_graphql(organization.as_role(role), mutation.document, input=mutation.least)
        if mutation.permission not in GRANTS[role]:
            assert codes(answer) == ["forbidden"], role
            assert answer["data"] is None
        else:
            assert codes(answer) == [], (role, answer)


def test_no_mutation_is_open_to_a_viewer_but_that_for_ones_own_password() -> None:
    granted = {mutation.name for mutation in EVERY if mutation.permission in GRANTS[MemberRole.VIEWER]}
    assert granted == OWN


@pytest.fixture(scope="module")
async def theirs(new_organization: MakeOrganization, services: AppServices) -> dict[str, str]:
    """The ids of what another organization has."""
    return await furnish(await new_organization(), services.database)


@pytest.mark.parametrize("mutation", ABOUT, ids=str)
async def test_an_id_of_another_organization_is_as_unknown_as_a_random_one(
    mutation: Mutating, theirs: dict[str, str], client: httpx.AsyncClient
) -> None:
    foreign = _plain(theirs[_belonging(mutation)])
    said = {**mutation.least, **_fitting(mutation)}
    told = [await raw_graphql(client, mutation.document, input={**said, "id": one}) for one in (foreign, said["id"])]
    assert told[0] == told[1]
    errors = told[0]["data"][mutation.name]["userErrors"]
    assert [error["code"][-10:] for error in errors] == ["_not_found"], errors


@pytest.mark.parametrize("mutation", ABOUT, ids=str)
async def test_the_global_id_of_another_type_is_refused(mutation: Mutating, client: httpx.AsyncClient) -> None:
    said = {**mutation.least, "id": global_id("Nonsense", 1)}
    answer = await raw_graphql(client, mutation.document, input=said)
    assert [error["code"] for error in answer["data"][mutation.name]["userErrors"]] == ["invalid_id"]


def _plain(written: str) -> str:
    """Without the spelling of the /v1 dialect."""
    prefix = written.partition("_")[0]
    number = decode_id(prefix, written)
    return written if number is None else str(number)


def _belonging(mutation: Mutating) -> str:
    """Of what `furnish` makes, that which the mutation is about."""
    path = mutation.operation.path
    if "{record_ref}" in path:
        kinds = {"accounts": "account", "contacts": "contact", "leads": "lead", "opportunities": "opportunity"}
        return {**kinds, "activities": "activity"}[path.split("/")[4]]
    parameters = [part.strip("{}").split(":")[0] for part in path.split("/") if part.startswith("{")]
    kept = [one for one in parameters if one not in {"step_id", "version"}]
    return PARAMETERS[kept[-1]]


def _fitting(mutation: Mutating) -> dict[str, Any]:
    """What REST needs in its body before it looks for the id, as the mutation spells it."""
    body = BODIES.get(mutation.operation.name, {})
    taken = mutation.takes.fields
    spelled = {_spelled(name): value for name, value in body.items()}
    enums = {"action", "decision", "strategy", "status", "role"}
    return {
        name: value.upper() if name in enums and isinstance(value, str) else value
        for name, value in spelled.items()
        if name in taken
    }


def _spelled(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
