"""CRM records in GraphQL: what filters find, and orders that lose nobody on the way through their pages."""

from typing import Any

import httpx
import pytest

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse_graphql.crm.nodes.inputs import ORDERS
from drippulse_graphql.kit.ids import encode_id
from tests.conftest import MakeOrganization
from tests.support.graphql import error_code, graphql
from tests.support.organizations import TestOrganization

PEOPLE = [
    {"email": "Ada@Example.com", "first_name": "Ada", "last_name": "Lovelace", "score": 10, "tags": ["math"]},
    {
        "email": "grace@example.com",
        "first_name": "Grace",
        "last_name": "Hopper",
        "score": -2.5,
        "tags": ["navy", "math"],
    },
    {"email": "alan@example.com", "first_name": "Alan_T", "last_name": "100%", "company": "Bletchley"},
    {"first_name": "Nobody"},
]


async def _made(client: httpx.AsyncClient, plural: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answers = [await client.post(f"/api/v1/crm/{plural}", json=row) for row in rows]
    assert all(answer.is_success for answer in answers), answers[0].text
    return [answer.json() for answer in answers]


@pytest.fixture
async def leads(organization: TestOrganization) -> TestOrganization:
    await _made(organization.client, "leads", *PEOPLE)
    return organization


async def _found(client: httpx.AsyncClient, chosen: str) -> set[str]:
    data = await graphql(client, f"{{ leads(filter: {chosen}) {{ totalCount nodes {{ firstName }} }} }}")
    names = [node["firstName"] for node in data["leads"]["nodes"]]
    assert data["leads"]["totalCount"] == len(names)
    return set(names)


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ('{email: {eq: "ADA@example.com"}}', {"Ada"}),
        ("{email: {isNull: true}}", {"Nobody"}),
        ('{email: {ne: "grace@example.com"}}', {"Ada", "Alan_T", "Nobody"}),
        ('{lastName: {in: ["Lovelace", "Hopper"]}}', {"Ada", "Grace"}),
        ('{lastName: {contains: "0%"}}', {"Alan_T"}),
        ('{firstName: {startsWith: "alan_"}}', {"Alan_T"}),
        ('{firstName: {startsWith: "lan_"}}', set[str]()),
        ("{score: {gt: -3, lte: 10}}", {"Ada", "Grace"}),
        ("{score: {eq: -2.5}}", {"Grace"}),
        ("{score: {isNull: false, lt: 0}}", {"Grace"}),
        ('{tags: ["navy", "nothing"]}', {"Grace"}),
        ('{q: "grac"}', {"Grace"}),
        ('{q: "bletchley"}', {"Alan_T"}),
        ('{q: "%"}', set[str]()),
        ('{createdAt: {lt: "2020-01-01T00:00:00Z"}}', set[str]()),
        ('{createdAt: {gte: "2020-01-01T00:00:00Z"}, firstName: {eq: "Ada"}}', {"Ada"}),
    ],
)
async def test_filters_find(leads: TestOrganization, chosen: str, names: set[str]) -> None:
    assert await _found(leads.client, chosen) == names


async def test_references_are_filtered_by_either_id(organization: TestOrganization) -> None:
    [account] = await _made(organization.client, "accounts", {"name": "Analytical"})
    await _made(
        organization.client, "contacts", {"first_name": "Ada", "account_id": account["id"]}, {"first_name": "B"}
    )
    query = "query ($id: ID!) { contacts(filter: {accountId: {eq: $id}}) { nodes { firstName account { name } } } }"
    expected = {"contacts": {"nodes": [{"firstName": "Ada", "account": {"name": "Analytical"}}]}}
    for given in (account["id"], encode_id("Account", account["id"])):
        assert await graphql(organization.client, query, id=given) == expected
    for given in ("7", encode_id("Contact", account["id"]), "nothing"):
        assert await error_code(organization.client, query, id=given) == "invalid_id"


async def test_choices_are_filtered_by_their_names(organization: TestOrganization) -> None:
    await _made(organization.client, "activities", {"type": "call", "subject": "a"}, {"type": "task", "subject": "b"})
    query = "{ activities(filter: {type: %s}) { nodes { subject type } } }"
    for chosen in ("{eq: CALL}", "{in: [CALL, MEETING]}"):
        data = await graphql(organization.client, query % chosen)
        assert data["activities"]["nodes"] == [{"subject": "a", "type": "CALL"}]


@pytest.mark.parametrize("kind", list(SPECS), ids=lambda kind: kind.value)
async def test_every_order_meets_everybody_once_in_both_directions(
    new_organization: MakeOrganization, kind: RecordType
) -> None:
    organization = await new_organization()
    plural = SPECS[kind].plural
    named = "name" in SPECS[kind].fields.model_fields
    rows = [{"name": name} if named else {} for name in ("b", "a", "b", "é", 'q"\\')]
    filled = {
        RecordType.LEAD: {"score": -1.5, "email": "x@example.com"},
        RecordType.OPPORTUNITY: {"amount": 12.5, "expected_close_date": "2030-02-28", "probability": 0},
        RecordType.ACTIVITY: {"duration_minutes": 5, "due_at": "2030-02-28T00:00:00Z"},
        RecordType.ACCOUNT: {"annual_revenue": 1e10, "employee_count": 0},
    }.get(kind, {"email": "x@example.com"})
    made = await _made(organization.client, plural, *rows, {**rows[0], **filled})
    everybody = {one["id"] for one in made}
    fields = [member.name for member in ORDERS[kind][0].__annotations__["field"]]
    query = f"""query ($o: {kind.value.title()}Order, $first: Int, $after: String, $last: Int, $before: String) {{
      {plural}(orderBy: $o, first: $first, after: $after, last: $last, before: $before) {{
        nodes {{ databaseId }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    for name in fields:
        for direction in ("ASC", "DESC"):
            order = {"field": name, "direction": direction}
            ahead, back = (
                await _walk(organization.client, query, order),
                await _walk_back(organization.client, query, order),
            )
            assert len(ahead) == len(everybody), (name, direction)
            assert set(ahead) == everybody, (name, direction)
            assert back == ahead, (name, direction)


async def _walk(client: httpx.AsyncClient, query: str, order: dict[str, str]) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        [page] = (await graphql(client, query, o=order, first=2, after=after)).values()
        found += [node["databaseId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def _walk_back(client: httpx.AsyncClient, query: str, order: dict[str, str]) -> list[str]:
    found: list[str] = []
    before = None
    while True:
        [page] = (await graphql(client, query, o=order, last=2, before=before)).values()
        found = [node["databaseId"] for node in page["nodes"]] + found
        if not page["pageInfo"]["hasPreviousPage"]:
            return found
        before = page["pageInfo"]["startCursor"]
