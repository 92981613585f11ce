"""Pipelines over REST: the list, copies, stages, defaults and the board."""

import json
from typing import Any

import httpx
import pytest

from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeOrganization
from tests.support.crm import OPPORTUNITIES, PIPELINES, cards_of, default_pipeline, make_deal, signed_in
from tests.support.organizations import TestOrganization

STAGES = ["Unassigned", "Prospect", "Qualification", "Proposal", "Negotiation", "Won", "Lost"]
RANDOM = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"


@pytest.fixture
async def person(organization: TestOrganization) -> httpx.AsyncClient:
    return await signed_in(organization)


async def copy(client: httpx.AsyncClient, name: str = "Mine") -> dict[str, Any]:
    answer = await client.post(PIPELINES, json={"pipeline": {"name": name}})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def change(client: httpx.AsyncClient, pipeline: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await client.patch(f"{PIPELINES}/{pipeline['id']}", json={"pipeline": fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(pipeline: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in pipeline["stages"]]


def named(pipeline: dict[str, Any], name: str) -> dict[str, Any]:
    return next(stage for stage in pipeline["stages"] if stage["name"] == name)


async def test_an_organization_has_the_default_pipeline_from_the_start(client: httpx.AsyncClient) -> None:
    listed = (await client.get(PIPELINES)).json()
    [pipeline] = listed["pipelines"]
    assert (names(pipeline), pipeline["is_default"], pipeline["user_id"]) == (STAGES, True, None)
    assert [stage["stage_type"] for stage in pipeline["stages"]] == ["open"] * 5 + ["won", "lost"]
    assert [stage["position"] for stage in pipeline["stages"]] == list(range(1, 8))
    assert (listed["default_pipeline_id"], listed["total_count"]) == (pipeline["id"], 1)
    assert listed["opportunity_pipelines"] == listed["pipelines"]
    assert (await client.get(f"{PIPELINES}/{pipeline['public_id']}")).json() == pipeline


async def test_totals_count_and_sum_by_stage_and_currency(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    stage = named(pipeline, "Proposal")
    for amount, currency, probability in ((100, "EUR", None), (50.5, "EUR", 10), (None, "EUR", None), (7, "USD", 100)):
        deal: dict[str, Any] = {"amount": amount, "currency": currency, "probability": probability}
        await make_deal(client, pipeline_stage_id=stage["id"], **deal)
    gone = await make_deal(client, pipeline_stage_id=stage["id"], amount=1000)
    await client.delete(f"{OPPORTUNITIES}/{gone['id']}")
    found = named(await default_pipeline(client), "Proposal")
    assert found["opportunity_count"] == 4
    assert found["totals"] == [
        {"currency": "EUR", "opportunity_count": 3, "amount": 150.5, "weighted_amount": 55.05},
        {"currency": "USD", "opportunity_count": 1, "amount": 7.0, "weighted_amount": 7.0},
    ]


async def test_a_copy_belongs_to_its_maker_and_only_they_see_it_in_the_list(
    person: httpx.AsyncClient, client: httpx.AsyncClient, organization: TestOrganization
) -> None:
    await client.get(PIPELINES)
    mine = await copy(person)
    assert (names(mine), mine["user_id"], mine["is_default"]) == (STAGES, organization.admin_id, False)
    listed = (await person.get(PIPELINES)).json()
    assert [pipeline["name"] for pipeline in listed["pipelines"]] == ["Sales pipeline", "Mine"]
    assert (await client.get(PIPELINES)).json()["total_count"] == 1
    assert (await client.get(f"{PIPELINES}/{mine['id']}")).json() == mine


async def test_a_key_that_belongs_to_nobody_is_told_the_way_out(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    for answer in (
        await client.post(PIPELINES, json={"name": "Mine"}),
        await client.post(f"{PIPELINES}/{pipeline['id']}/set_default"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "no_person")


async def test_pages_and_cursors_go_through_all_pipelines_once(person: httpx.AsyncClient) -> None:
    await person.get(PIPELINES)
    for number in range(4):
        await copy(person, f"Copy {number}")
    expected = [pipeline["name"] for pipeline in (await person.get(PIPELINES)).json()["pipelines"]]
    assert expected == ["Sales pipeline", "Copy 3", "Copy 2", "Copy 1", "Copy 0"]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await person.get(PIPELINES, params={"per_page": 2, "cursor": cursor})).json()
        seen += [pipeline["name"] for pipeline in page["pipelines"]]
        cursor = page["next_cursor"]
    assert seen == expected
    second = (await person.get(PIPELINES, params={"per_page": 2, "page": 2})).json()
    assert [pipeline["name"] for pipeline in second["pipelines"]] == expected[2:4]


async def test_the_chosen_default_takes_new_opportunities_of_that_person_alone(
    person: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    mine = await copy(person)
    chosen = await person.post(f"{PIPELINES}/{mine['public_id']}/set_default")
    assert chosen.json() == {"default_pipeline_id": mine["id"], "pipeline": mine}
    assert (await make_deal(person))["pipeline_id"] == mine["id"]
    theirs = await default_pipeline(client)
    assert (await make_deal(client))["pipeline_id"] == theirs["id"]
    assert (await client.get(PIPELINES)).json()["default_pipeline_id"] == theirs["id"]


async def test_a_pipeline_is_deleted_when_it_is_empty_and_the_default_falls_back(person: httpx.AsyncClient) -> None:
    mine = await copy(person)
    await person.post(f"{PIPELINES}/{mine['id']}/set_default")
    deal = await make_deal(person)
    refused = await person.delete(f"{PIPELINES}/{mine['id']}")
    assert (refused.status_code, refused.json()["error"]) == (409, "pipeline_not_empty")
    assert "1 opportunity" in refused.json()["message"]
    await person.delete(f"{OPPORTUNITIES}/{deal['id']}")
    assert (await person.delete(f"{PIPELINES}/{mine['id']}")).status_code == 204
    listed = (await person.get(PIPELINES)).json()
    assert (listed["total_count"], listed["default_pipeline_id"]) == (1, listed["pipelines"][0]["id"])
    for answer in (await person.get(f"{PIPELINES}/{mine['id']}"), await person.delete(f"{PIPELINES}/{mine['id']}")):
        assert (answer.status_code, answer.json()["error"]) == (404, "pipeline_not_found")
    default = await default_pipeline(person)
    kept = await person.delete(f"{PIPELINES}/{default['id']}")
    assert (kept.status_code, kept.json()["error"]) == (409, "organization_pipeline")


async def test_only_the_owner_and_admins_change_a_pipeline(
    person: httpx.AsyncClient, organization: TestOrganization
) -> None:
    mine, default = await copy(person), await default_pipeline(person)
    editor = organization.as_role(MemberRole.EDITOR)
    for pipeline in (mine, default):
        path = f"{PIPELINES}/{pipeline['id']}"
        for answer in (await editor.patch(path, json={"name": "Taken"}), await editor.delete(path)):
            assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert (await change(person, default, name="Ours"))["name"] == "Ours"
    assert (await change(organization.client, mine, name="Theirs"))["name"] == "Theirs"


async def test_an_echoed_pipeline_changes_nothing(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    echoed = await change(client, pipeline, **pipeline)
    assert {**echoed, "updated_at": ""} == {**pipeline, "updated_at": ""}


async def test_stages_are_added_renamed_ordered_and_deleted_in_one_call(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    stages = {stage["name"]: stage["id"] for stage in pipeline["stages"]}
    changed = await change(
        client,
        pipeline,
        stages=[
            {"id": stages["Prospect"], "name": "Found"},
            {"name": "Trial", "probability": 40},
            {"id": stages["Unassigned"], "delete": True},
            {"id": stages["Proposal"], "position": 1},
        ],
    )
    assert names(changed) == ["Proposal", "Found", "Trial", "Qualification", "Negotiation", "Won", "Lost"]
    assert named(changed, "Found")["id"] == stages["Prospect"]
    assert named(changed, "Trial").items() >= {"stage_type": "open", "probability": 40}.items()
    assert named(changed, "Trial")["public_id"].startswith("stage_")


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ([{"stage_type": "won"}], "name"),
        ([{"name": "won"}], "Won"),
        ([{"id": "Won"}, {"id": "Won"}], "twice"),
        ([{"id": "Won", "nam": "x"}], "name"),
        ([{"name": f"Stage {number}"} for number in range(94)], "100 stages"),
        ([{"id": name, "delete": True} for name in STAGES[:5]], "type open"),
        ([{"id": "Won", "delete": True, "move_to": "Lost"}, {"id": "Lost", "delete": True}], "stays"),
    ],
)
async def test_stages_that_make_no_pipeline_are_refused(
    client: httpx.AsyncClient, stages: list[dict[str, Any]], word: str
) -> None:
    pipeline = await default_pipeline(client)
    ids = {stage["name"]: stage["id"] for stage in pipeline["stages"]}
    sent = [{name: ids.get(value, value) if name != "name" else value for name, value in one.items()} for one in stages]
    answer = await client.patch(f"{PIPELINES}/{pipeline['id']}", json={"stages": sent})
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_failed"), answer.text
    assert word in answer.text
    assert await default_pipeline(client) == pipeline


async def test_a_stage_with_opportunities_goes_only_when_they_have_a_place(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    stage, target = named(pipeline, "Prospect"), named(pipeline, "Won")
    deals = [await make_deal(client, f"Deal {number}", pipeline_stage_id=stage["id"]) for number in range(3)]
    there = await make_deal(client, "There before", pipeline_stage_id=target["id"])
    path = f"{PIPELINES}/{pipeline['id']}"
    refused = await client.patch(path, json={"stages": [{"id": stage["id"], "delete": True}]})
    assert (refused.status_code, refused.json()["error"]) == (409, "stage_not_empty")
    changed = await change(
        client, pipeline, stages=[{"id": stage["id"], "delete": True, "move_to": target["public_id"]}]
    )
    assert "Prospect" not in names(changed)
    moved = [there["id"], *(deal["id"] for deal in deals)]
    assert await cards_of(client, pipeline["id"], target["id"]) == moved
    deal = (await client.get(f"{OPPORTUNITIES}/{deals[0]['id']}")).json()
    assert (deal["status"], deal["pipeline_stage_id"]) == ("won", target["id"])
    assert deal["closed_at"] is not None


async def test_retyping_a_stage_changes_the_status_of_what_is_in_it(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    stage = named(pipeline, "Negotiation")
    deal = await make_deal(client, pipeline_stage_id=stage["id"])
    await change(client, pipeline, stages=[{"id": stage["id"], "stage_type": "lost"}])
    lost = (await client.get(f"{OPPORTUNITIES}/{deal['id']}")).json()
    assert (lost["status"], lost["pipeline_stage_id"]) == ("lost", stage["id"])
    assert lost["closed_at"] is not None
    await change(client, pipeline, stages=[{"id": stage["id"], "stage_type": "open"}])
    reopened = (await client.get(f"{OPPORTUNITIES}/{deal['id']}")).json()
    assert (reopened["status"], reopened["closed_at"]) == ("open", None)


async def test_the_board_has_the_first_cards_of_each_stage_in_their_order(client: httpx.AsyncClient) -> None:
    pipeline = await default_pipeline(client)
    stage = named(pipeline, "Prospect")
    deals = [await make_deal(client, f"Deal {number}", pipeline_stage_id=stage["id"]) for number in range(3)]
    won = await make_deal(client, "Won", status="won")
    board = (await client.get(f"{PIPELINES}/{pipeline['public_id']}/board", params={"per_stage": 2})).json()
    assert names(board) == STAGES
    assert board["pipeline"] == await default_pipeline(client)
    assert named(board, "Prospect")["opportunities"] == deals[:2]
    assert named(board, "Prospect")["opportunity_count"] == 3
    assert named(board, "Won")["opportunities"] == [won]
    for wrong in (0, 201, "x"):
        refused = await client.get(f"{PIPELINES}/{pipeline['id']}/board", params={"per_stage": wrong})
        assert refused.status_code in {400, 422}


async def test_foreign_pipelines_and_stages_answer_as_random_ones(
    person: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    theirs = await default_pipeline(other.client)
    mine = await default_pipeline(person)
    stage = theirs["stages"][0]["id"]
    for foreign, body in (
        (f"{PIPELINES}/{theirs['id']}", {"name": "x"}),
        (f"{PIPELINES}/{mine['id']}", {"stages": [{"id": stage, "name": "x"}]}),
        (f"{PIPELINES}/{mine['id']}", {"stages": [{"id": mine["stages"][0]["id"], "delete": True, "move_to": stage}]}),
    ):
        random_path, random_body = foreign.replace(theirs["id"], RANDOM), json.dumps(body).replace(stage, RANDOM)
        answers = [
            await person.patch(foreign, json=body),
            await person.patch(random_path, content=random_body, headers={"content-type": "application/json"}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert await default_pipeline(other.client) == theirs
