"""Where a mutation's errors are, and how they spell it."""

from typing import Any

import httpx
import pytest

from tests.support.graphql import done, mutate, refused

TOGETHER = "Give external_system and external_id together."


async def test_an_error_about_no_field_in_particular_has_none(client: httpx.AsyncClient) -> None:
    [error] = (await mutate(client, "createCrmContact", externalId="7"))["userErrors"]
    assert (error["field"], error["message"]) == (None, TOGETHER)
    assert await refused(client, "bulkDeleteCrmContacts") == [(None, "validation_failed")]
    [error] = (await mutate(client, "bulkDeleteCrmContacts"))["userErrors"]
    assert error["message"].startswith("Say which records are meant")
    rest = (await client.post("/api/v1/crm/contacts", json={"external_id": "7"})).json()
    assert (rest["errors"], rest["message"]) == ({"body": [TOGETHER]}, f"body: {TOGETHER}")


async def test_a_field_that_is_called_body_keeps_its_name(client: httpx.AsyncClient) -> None:
    assert await refused(client, "createCrmActivity", body="x" * 100_001) == [("body", "validation_failed")]
    assert await refused(client, "createCrmActivity", externalId="7") == [(None, "validation_failed")]


async def test_what_is_wrong_with_a_part_names_the_part(client: httpx.AsyncClient) -> None:
    made = await done(client, "createCrmContact", "contact { id }", firstName="Ada")
    told = await mutate(client, "bulkUpdateCrmContacts", ids=[made["id"]], changes={"externalId": "7"})
    assert {error["field"] for error in told["userErrors"]} <= {"changes", "changes.externalId"}


@pytest.mark.parametrize(
    ("name", "said", "field", "beginning"),
    [
        ("createCrmContact", {"firstName": "x" * 501}, "firstName", "firstName: String should have"),
        ("createCrmContact", {"timezone": "Mars"}, "timezone", "timezone: "),
        ("createCrmOpportunity", {"name": "A", "lostReason": "x" * 501}, "lostReason", "lostReason: "),
        (
            "bulkUpdateCrmContacts",
            {"ids": ["1"], "changes": {"firstName": "x" * 501}},
            "changes.firstName",
            "changes.firstName: ",
        ),
    ],
)
async def test_a_message_spells_the_field_as_the_input_does(
    client: httpx.AsyncClient, name: str, said: dict[str, Any], field: str, beginning: str
) -> None:
    [error] = (await mutate(client, name, **said))["userErrors"]
    assert error["field"] == field
    assert error["message"].startswith(beginning)


async def test_other_messages_stay_as_they_are(client: httpx.AsyncClient) -> None:
    [error] = (await mutate(client, "createCrmContact", email="nonsense"))["userErrors"]
    rest = (await client.post("/api/v1/crm/contacts", json={"email": "nonsense"})).json()
    assert error["message"] == rest["message"]


@pytest.mark.parametrize(
    ("name", "said", "shown", "made"),
    [
        ("createProject", {"name": "A", "description": None, "archived": None}, "project { description }", ""),
        ("createWorkflow", {"name": "A", "description": None, "status": None}, "workflow { description }", ""),
        ("createSuppression", {"email": "a@b.com", "reason": None}, "suppression { reason }", "manual"),
    ],
)
async def test_null_is_left_out_where_nothing_is_there_yet(
    client: httpx.AsyncClient, name: str, said: dict[str, Any], shown: str, made: str
) -> None:
    assert list((await done(client, name, shown, **said)).values()) == [made]


async def test_null_below_an_input_is_left_out_too(client: httpx.AsyncClient) -> None:
    lead = await done(client, "createCrmLead", "lead { id }", firstName="Ada", email="a@b.com")
    shown = "leadConversion { contact { firstName } }"
    made = await done(client, "convertCrmLead", shown, id=lead["id"], contact={"firstName": None}, account=None)
    assert made["contact"] == {"firstName": "Ada"}


async def test_null_in_an_update_is_no_leaving_out(client: httpx.AsyncClient) -> None:
    project = await done(client, "createProject", "project { id }", name="A")
    assert await refused(client, "updateProject", id=project["id"], name=None) == [("name", "validation_failed")]
