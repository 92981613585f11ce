"""What root fields answer is what REST answers: generated over all that are made of REST's models."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse_graphql.all_reads import READS
from drippulse_graphql.kit.models.names import global_id
from tests.conftest import MakeOrganization
from tests.support.access import furnish
from tests.support.graphql import graphql, raw_graphql
from tests.support.organizations import TestOrganization
from tests.support.roots import RootField, camel, differences, everything, plain_id, root_fields

NAMES = {camel(one.name) for one in READS}
EVERY = [field for field in root_fields() if field.name in NAMES and field.root == "Query"]
OTHERWISE = {"mailTemplates", "mailTemplate"}
"""REST has them in another dialect."""
MOVING = {"apiKeyUsage", "apiKeys", "organizationBilling", "enrollmentExplanation"}
"""They count the requests that ask for them, or say what would happen now."""
SAME = [field for field in EVERY if field.name not in OTHERWISE | MOVING]


@pytest.fixture(scope="module")
async def furnished(
    new_organization: MakeOrganization, services: AppServices
) -> tuple[TestOrganization, dict[str, str]]:
    """An organization with one of everything, and the ids of it."""
    made = await new_organization()
    ids = await furnish(made, services.database)
    await made.client.put(f"/api/v1/workflows/{ids['workflow']}/draft", json={"steps": []})
    return made, ids


async def told(client: httpx.AsyncClient, field: RootField, ids: dict[str, str]) -> Any:
    given = {} if field.id_argument is None else {field.id_argument: f'"{plain_id(ids[field.belonging])}"'}
    return (await graphql(client, field.document(everything(field.field.type), **given)))[field.name]


@pytest.mark.parametrize("field", SAME, ids=str)
async def test_a_read_answers_what_rest_answers(
    field: RootField, furnished: tuple[TestOrganization, dict[str, str]]
) -> None:
    organization, ids = furnished
    assert field.operation is not None
    paged = {"page": "1", "per_page": "50"} if "perPage" in field.field.args else {}
    url = field.operation.url(ids).partition("?")[0]
    rest = (await organization.client.get(url, params=paged)).json()
    found = await told(organization.client, field, ids)
    assert found is not None
    assert differences(found, field.field.type, rest) == []


@pytest.mark.parametrize("field", [field for field in EVERY if field.name in OTHERWISE | MOVING], ids=str)
async def test_the_others_answer_what_there_is(
    field: RootField, furnished: tuple[TestOrganization, dict[str, str]]
) -> None:
    organization, ids = furnished
    assert await told(organization.client, field, ids)


async def test_lists_go_on_by_page_and_by_cursor(client: httpx.AsyncClient) -> None:
    for name in ("one", "two", "three"):
        await client.post("/api/v1/projects", json={"name": name})
    query = """query ($page: Int, $after: String) {
        projects(perPage: 2, page: $page, after: $after) { projects { name } totalCount nextCursor } }"""
    first = (await graphql(client, query))["projects"]
    assert ([one["name"] for one in first["projects"]], first["totalCount"]) == (["three", "two"], 3)
    for variables in ({"page": 2}, {"after": first["nextCursor"]}):
        last = (await graphql(client, query, **variables))["projects"]
        assert [one["name"] for one in last["projects"]] == ["one"]
        assert last["nextCursor"] is None


async def test_lists_filter_sort_and_search_as_rest_does(client: httpx.AsyncClient) -> None:
    for name in ("Alpha, Beta", "Alpha", "Gamma"):
        await client.post("/api/v1/projects", json={"name": name})

    async def names(arguments: str) -> list[str]:
        found = await graphql(client, f"{{ projects({arguments}) {{ projects {{ name }} }} }}")
        return [one["name"] for one in found["projects"]["projects"]]

    assert await names('sort: "name"') == ["Alpha", "Alpha, Beta", "Gamma"]
    assert await names('q: "gam"') == ["Gamma"]
    assert await names('filter: { name: { eq: "Alpha, Beta" } }') == ["Alpha, Beta"]
    assert await names('filter: { name: { in: ["Alpha, Beta", "Gamma"] } }') == ["Gamma", "Alpha, Beta"]
    assert await names('filter: { name: { ne: "Alpha" }, archived: false }') == ["Gamma", "Alpha, Beta"]
    assert await names('filter: { createdAt: { lt: "2026-01-01T00:00:00Z" } }') == []


async def test_ids_of_filters_are_global_ones_or_those_of_rest(
    furnished: tuple[TestOrganization, dict[str, str]],
) -> None:
    client, ids = furnished[0].client, furnished[1]
    query = "query ($id: ID!) { approvals(filter: { workflowId: { eq: $id }, status: [OPEN] }) { totalCount } }"
    for written in (ids["workflow"], global_id("Workflow", ids["workflow"])):
        assert (await graphql(client, query, id=written))["approvals"]["totalCount"] == 1
    answer = await raw_graphql(client, query, id=global_id("Contact", 1))
    assert answer["errors"][0]["extensions"]["code"] == "invalid_id"


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ("perPage: 201", "perPage"),
        ("page: 0", "page"),
        ('after: "nonsense"', "after"),
        ('sort: "color"', "sort"),
        ('filter: { name: { eq: "a", in: ["b"] } }', "filter.name"),
        (
            'filter: { createdAt: { gte: "2026-01-01T00:00:00Z" }, name: { contains: "%s" } }' % ("x" * 201),
            "filter.name.contains",
        ),
    ],
)
async def test_what_a_list_refuses_is_named_as_the_schema_spells_it(
    arguments: str, path: str, client: httpx.AsyncClient
) -> None:
    answer = await raw_graphql(client, f"{{ projects({arguments}) {{ totalCount }} }}")
    assert list(answer["errors"][0]["extensions"]["errors"]) == [path]


async def test_text_that_no_column_holds_is_refused(client: httpx.AsyncClient) -> None:
    for query in (
        "query ($text: String) { projects(q: $text) { totalCount } }",
        "query ($text: String) { projects(filter: { name: { eq: $text } }) { totalCount } }",
    ):
        answer = await raw_graphql(client, query, text="a\x00b")
        assert answer["errors"][0]["extensions"]["code"] == "validation_failed"


async def test_rows_of_a_page_count_as_what_an_operation_may_cost(client: httpx.AsyncClient) -> None:
    query = """{ pipelines(perPage: 200) { pipelines { stages { opportunities(first: 100) { nodes { id } } } } } }"""
    answer = await raw_graphql(client, query)
    assert answer["errors"][0]["extensions"]["code"] == "cost_too_high"
