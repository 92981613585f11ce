"""Days and moments that PostgreSQL's driver would store as infinity are refused at every door; the last ones before
are kept as they are."""

from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from tests.support.graphql import done, graphql, mutate, refused
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow

CRM = "/api/v1/crm"
RANGE = "from 0001-01-02 to 9999-12-30"
DAYS = ("0001-01-01", "9999-12-31")
MOMENTS = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T23:59:59.999999Z",
    "0001-01-01T00:00:00+05:00",
    "0001-01-02T00:00:00+05:00",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-05:00",
    "9999-12-30T23:59:59-05:00",
)
MOMENT_FIELDS = ("occurred_at", "due_at", "completed_at")
RAMP = {"start_per_day": 10, "step": 5, "days": 30}
FIRST_AND_LAST = (("0001-01-02", "0001-01-02T00:00:00.000Z"), ("9999-12-30", "9999-12-30T23:59:59.999Z"))


def _sentences(answer: httpx.Response, field: str) -> str:
    assert answer.status_code == 422, answer.text
    return " ".join(answer.json()["errors"][field])


@pytest.mark.parametrize("day", DAYS)
async def test_a_day_that_cannot_be_stored_is_refused(client: httpx.AsyncClient, day: str) -> None:
    said = {"name": "Deal", "expected_close_date": day}
    assert RANGE in _sentences(await client.post(f"{CRM}/opportunities", json=said), "expected_close_date")
    made = (await client.post(f"{CRM}/opportunities", json={"name": "Deal"})).json()
    changed = await client.patch(f"{CRM}/opportunities/{made['id']}", json={"expected_close_date": day})
    assert RANGE in _sentences(changed, "expected_close_date")
    many = {"ids": [made["id"]], "changes": {"expected_close_date": day}}
    bulk = await client.post(f"{CRM}/opportunities/bulk_update", json=many)
    assert RANGE in _sentences(bulk, "changes.expected_close_date")
    told = await refused(client, "createCrmOpportunity", name="Deal", expectedCloseDate=day)
    assert told == [("expectedCloseDate", "validation_failed")]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_moment_that_cannot_be_stored_is_refused(client: httpx.AsyncClient, moment: str) -> None:
    for field in MOMENT_FIELDS:
        answer = await client.post(f"{CRM}/activities", json={"subject": "Call", field: moment})
        assert RANGE in _sentences(answer, field)


@pytest.mark.parametrize("moment", [MOMENTS[0], MOMENTS[5]])
async def test_a_mutation_refuses_it_as_well(client: httpx.AsyncClient, moment: str) -> None:
    [error] = (await mutate(client, "createCrmActivity", "activity { id }", dueAt=moment))["userErrors"]
    assert (error["field"], error["code"]) == ("dueAt", "validation_failed")
    assert RANGE in error["message"]


@pytest.mark.parametrize(("day", "moment"), FIRST_AND_LAST)
async def test_the_first_and_the_last_are_stored_and_found(client: httpx.AsyncClient, day: str, moment: str) -> None:
    await done(client, "createCrmOpportunity", "opportunity { id }", name="Deal", expectedCloseDate=day)
    await done(client, "createCrmActivity", "activity { id }", subject="Call", dueAt=moment)
    found = await graphql(
        client,
        """query ($filter: OpportunityFilter!, $due: ActivityFilter!) {
          opportunities(filter: $filter) { nodes { expectedCloseDate } }
          activities(filter: $due) { nodes { dueAt } }
        }""",
        filter={"expectedCloseDate": {"eq": day}},
        due={"dueAt": {"gte": moment, "lte": moment.replace("Z", "999Z")}},
    )
    assert found["opportunities"]["nodes"] == [{"expectedCloseDate": day}]
    assert found["activities"]["nodes"] == [{"dueAt": moment}]
    rest = (await client.get(f"{CRM}/activities")).json()["activities"]
    assert [one["due_at"] for one in rest] == [moment]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_bundle_brings_none_in(client: httpx.AsyncClient, moment: str) -> None:
    rows = {"contacts": [{"email": "ada@example.com", "created_at": moment}]}
    answer = (await client.post(f"{CRM}/import", json=rows)).json()
    [row] = [one for one in answer["results"] if one["status"] == "invalid"]
    assert RANGE in row["reason"]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_ramp_up_begins_on_a_day_that_can_be_counted_from(client: httpx.AsyncClient, moment: str) -> None:
    answer = await client.patch("/api/v1/sending", json={"ramp_up": {**RAMP, "started_at": moment}})
    assert RANGE in _sentences(answer, "ramp_up.started_at")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_event_happened_in_years_that_can_be_stored(client: httpx.AsyncClient, moment: str) -> None:
    answer = await client.post("/api/v1/events", json={"type": "order.paid", "email": "a@b.com", "occurred_at": moment})
    assert "1970 to 9000" in _sentences(answer, "occurred_at")


@pytest.mark.parametrize("moment", [*MOMENTS, "1899-12-31T23:59:59Z", "2201-01-01T00:00:00Z"])
@pytest.mark.parametrize("field", ["start_at", "until"])
async def test_a_simulation_runs_in_years_that_steps_know(client: httpx.AsyncClient, field: str, moment: str) -> None:
    workflow = await create_workflow(client)
    said: dict[str, Any] = {"contacts": [{"email": "ada@example.com"}], field: moment}
    answer = await client.post(f"/api/v1/workflows/{workflow['id']}/simulate", json=said)
    assert "1900 to 2200" in _sentences(answer, field)


async def test_a_simulation_may_start_in_the_last_of_them(client: httpx.AsyncClient) -> None:
    workflow = await create_workflow(client)
    said = {"contacts": [{"email": "ada@example.com"}], "start_at": "2200-12-31T00:00:00Z"}
    answer = await client.post(f"/api/v1/workflows/{workflow['id']}/simulate", json=said)
    assert answer.status_code == 200, answer.text


async def test_what_is_infinite_already_does_not_break_a_list(
    organization: TestOrganization, services: AppServices
) -> None:
    made = (await organization.client.post(f"{CRM}/activities", json={"subject": "Call"})).json()
    async with services.database.tenant(organization.id) as session:
        await session.execute("UPDATE activity SET due_at = '-infinity' WHERE id = $1", made["id"])
    answer = await organization.client.get(f"{CRM}/activities")
    assert [one["due_at"] for one in answer.json()["activities"]] == ["0001-01-01T00:00:00.000Z"]
