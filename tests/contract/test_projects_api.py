"""Projects, and the workflows in them."""

import asyncio
from typing import Any

import httpx
import pytest

from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow

PROJECTS, WORKFLOWS = "/api/v1/projects", "/api/v1/workflows"


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(PROJECTS, json={"name": "Onboarding", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_project_is_made_shown_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await make(client, description="New customers", color="#1A73E8")
    path = f"{PROJECTS}/{made['id']}"
    shown = (await client.get(path)).json()
    assert shown == made
    assert {name: made[name] for name in ("name", "description", "color", "archived", "workflow_count")} == {
        "name": "Onboarding",
        "description": "New customers",
        "color": "#1a73e8",
        "archived": False,
        "workflow_count": 0,
    }
    changed = (await client.patch(path, json={"project": {**shown, "archived": True, "color": None}})).json()
    assert (changed["archived"], changed["color"], changed["name"]) == (True, None, "Onboarding")
    assert (await client.get(PROJECTS)).json() == {"projects": [changed], "total_count": 1}
    assert (await client.delete(path)).status_code == 204
    gone = await client.get(path)
    assert (gone.status_code, gone.json()["error"]) == (404, "project_not_found")


async def test_names_are_unique_in_the_organization_whatever_the_case(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    await make(client)
    other = await make(client, name="Other")
    for answer in (
        await client.post(PROJECTS, json={"name": " ONBOARDING "}),
        await client.patch(f"{PROJECTS}/{other['id']}", json={"name": "onboarding"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "project_exists")
        assert list(answer.json()["errors"]) == ["name"]
    await make((await new_organization()).client)


async def test_two_who_take_a_name_at_once_do_not_both_get_it(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post(PROJECTS, json={"name": "Same"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "color": "red"}, "color"),
        ({"name": "x", "color": "#12345"}, "color"),
        ({"name": "x", "archived": "yes"}, "archived"),
        ({"name": "x", "colour": "#123456"}, "colour"),
        ({"name": "x\x00"}, None),
    ],
)
async def test_what_is_no_project_is_refused_by_field(
    body: dict[str, Any], field: str | None, client: httpx.AsyncClient
) -> None:
    answer = await client.post(PROJECTS, json=body)
    assert answer.status_code == 422
    assert list(answer.json().get("errors", {})) == ([field] if field else [])


async def test_workflows_join_and_leave_a_project_and_are_counted(client: httpx.AsyncClient) -> None:
    project = await make(client)
    first = await create_workflow(client, project_id=project["id"], status="active")
    second = await create_workflow(client)
    assert (first["project_id"], second["project_id"]) == (project["id"], None)
    joined = await client.patch(f"{WORKFLOWS}/{second['id']}", json={"project_id": project["id"]})
    assert joined.json()["project_id"] == project["id"]
    renamed = await client.patch(f"{WORKFLOWS}/{second['id']}", json={"name": "Stays where it is"})
    assert (renamed.json()["project_id"], renamed.json()["version"]) == (project["id"], 1)
    counted = (await client.get(f"{PROJECTS}/{project['id']}")).json()
    assert (counted["workflow_count"], counted["active_workflow_count"]) == (2, 1)
    await client.delete(f"{WORKFLOWS}/{first['id']}")
    await client.patch(f"{WORKFLOWS}/{second['id']}", json={"project_id": None})
    assert (await client.get(f"{PROJECTS}/{project['id']}")).json()["workflow_count"] == 0


async def test_the_workflow_list_filters_by_project(client: httpx.AsyncClient) -> None:
    project, empty = await make(client), await make(client, name="Empty")
    inside = await create_workflow(client, project_id=project["id"])
    await create_workflow(client)

    async def listed(number: Any, **more: Any) -> dict[str, Any]:
        return (await client.get(WORKFLOWS, params={"project_id": number, **more})).json()

    assert [row["id"] for row in (await listed(project["id"]))["workflows"]] == [inside["id"]]
    assert (await listed(project["id"], page=1))["total_count"] == 1
    assert (await listed(empty["id"]))["workflows"] == []
    assert (await client.get(WORKFLOWS, params={"project_id": "x"})).status_code == 422


async def test_deleting_a_project_leaves_its_workflows_without_one(client: httpx.AsyncClient) -> None:
    project = await make(client)
    inside = await create_workflow(client, project_id=project["id"])
    assert (await client.delete(f"{PROJECTS}/{project['id']}")).status_code == 204
    assert (await client.get(f"{WORKFLOWS}/{inside['id']}")).json()["project_id"] is None


async def test_a_foreign_project_in_a_body_answers_as_a_random_one_and_changes_nothing(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    theirs = await make((await new_organization()).client)
    mine = await create_workflow(client)
    for number in (theirs["id"], 999_999_999, 2**63, -1):
        answers = [
            await client.post(WORKFLOWS, json={"name": "W", "project_id": number}),
            await client.patch(f"{WORKFLOWS}/{mine['id']}", json={"name": "changed", "project_id": number}),
        ]
        assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(404, "project_not_found")] * 2
    assert (await client.get(WORKFLOWS)).json()["workflows"] == [mine]


async def test_projects_are_searched_filtered_sorted_and_paged(client: httpx.AsyncClient) -> None:
    for name, archived in (("Alpha", False), ("beta", True), ("Gamma", False)):
        await make(client, name=name, archived=archived)

    async def names(**params: Any) -> list[str]:
        return [row["name"] for row in (await client.get(PROJECTS, params=params)).json()["projects"]]

    assert await names() == ["Gamma", "beta", "Alpha"]
    assert await names(sort="name") == ["Alpha", "beta", "Gamma"]
    assert await names(archived="false", sort="-name") == ["Gamma", "Alpha"]
    assert await names(q="ET") == ["beta"]
    first = await client.get(PROJECTS, params={"per_page": 2, "cursor": ""})
    assert await names(cursor=first.json()["next_cursor"]) == ["Alpha"]


async def test_viewers_read_and_editors_write(organization: TestOrganization) -> None:
    viewer, editor = organization.as_role(MemberRole.VIEWER), organization.as_role(MemberRole.EDITOR)
    made = await make(editor)
    assert (await viewer.get(f"{PROJECTS}/{made['id']}")).status_code == 200
    assert (await viewer.post(PROJECTS, json={"name": "x"})).status_code == 403
