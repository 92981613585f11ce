"""`POST /crm/opportunities/reorder`: what a drag on the board sends."""

from typing import Any

import httpx
import orjson
import pytest

from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.crm import OPPORTUNITIES, cards_of, default_pipeline, make_deal, signed_in
from tests.support.organizations import TestOrganization

RANDOM = "0192f0c1-7a3e-7cc3-98c4-dc0c0c07398f"
REORDER = f"{OPPORTUNITIES}/reorder"


@pytest.fixture
async def pipeline(client: httpx.AsyncClient) -> dict[str, Any]:
    return await default_pipeline(client)


@pytest.fixture
async def deals(client: httpx.AsyncClient, pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """Four in the stage Prospect, in this order."""
    stage = pipeline["stages"][1]["id"]
    return [await make_deal(client, f"Deal {number}", pipeline_stage_id=stage) for number in range(4)]


async def reorder(client: httpx.AsyncClient, stage: dict[str, Any], *cards: str) -> httpx.Response:
    return await client.post(REORDER, json={"pipeline_stage_id": stage["id"], "ordered_ids": list(cards)})


async def history(services: AppServices, organization: TestOrganization) -> list[tuple[str, list[str]]]:
    """Public id and changed columns of each update, in their order."""
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch(
            """SELECT record_public_id, after FROM change_event
               WHERE organization_id = $1 AND action = 'update' ORDER BY id""",
            organization.id,
        )
    return [(row["record_public_id"], sorted(orjson.loads(row["after"]))) for row in rows]


async def event_types(services: AppServices, organization: TestOrganization) -> list[tuple[str, str]]:
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch(
            """SELECT type, record_id FROM event WHERE organization_id = $1 AND type LIKE 'opportunity.%'
               AND type <> 'opportunity.created' ORDER BY id""",
            organization.id,
        )
    return [(row["type"], row["record_id"]) for row in rows]


async def test_the_named_cards_come_first_and_the_others_behind_them(
    client: httpx.AsyncClient, pipeline: dict[str, Any], deals: list[dict[str, Any]]
) -> None:
    first, second, third, fourth = deals
    stage = pipeline["stages"][1]
    answer = await reorder(client, stage, fourth["public_id"], second["id"].upper())
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert [card["id"] for card in shown["opportunities"]] == [fourth["id"], second["id"]]
    assert (shown["pipeline_stage_id"], shown["pipeline_id"]) == (stage["id"], pipeline["id"])
    order = [fourth["id"], second["id"], first["id"], third["id"]]
    assert await cards_of(client, pipeline["id"], stage["id"]) == order


async def test_cards_come_from_other_stages_and_pipelines_and_take_the_status(
    organization: TestOrganization, client: httpx.AsyncClient, pipeline: dict[str, Any], deals: list[dict[str, Any]]
) -> None:
    person = await signed_in(organization)
    mine = (await person.post("/api/v1/crm/opportunity_pipelines", json={"name": "Mine"})).json()
    elsewhere = await make_deal(client, "Elsewhere", pipeline_id=mine["id"])
    won = pipeline["stages"][5]
    assert (await reorder(client, won, elsewhere["id"], deals[2]["id"])).status_code == 200
    assert await cards_of(client, pipeline["id"], won["id"]) == [elsewhere["id"], deals[2]["id"]]
    moved = (await client.get(f"{OPPORTUNITIES}/{elsewhere['id']}")).json()
    assert (moved["status"], moved["pipeline_id"]) == ("won", pipeline["id"])
    assert moved["closed_at"] is not None
    assert (await reorder(client, pipeline["stages"][0], elsewhere["id"])).status_code == 200
    reopened = (await client.get(f"{OPPORTUNITIES}/{elsewhere['id']}")).json()
    assert (reopened["status"], reopened["closed_at"]) == ("open", None)


async def test_one_drag_is_one_audit_row_and_only_a_new_stage_is_an_event(
    services: AppServices,
    organization: TestOrganization,
    client: httpx.AsyncClient,
    pipeline: dict[str, Any],
    deals: list[dict[str, Any]],
) -> None:
    prospect, won = pipeline["stages"][1], pipeline["stages"][5]
    ids = [deal["id"] for deal in deals]
    await reorder(client, prospect, ids[3], *ids[:3])
    assert await history(services, organization) == [(deals[3]["public_id"], ["stage_position"])]
    assert await event_types(services, organization) == []
    await reorder(client, prospect, ids[3], *ids[:3])
    assert len(await history(services, organization)) == 1, "nothing changed"
    await reorder(client, won, ids[1])
    columns = ["closed_at", "pipeline_stage_id", "stage_position", "status"]
    assert (await history(services, organization))[1:] == [(deals[1]["public_id"], columns)]
    told = await event_types(services, organization)
    assert told == [("opportunity.updated", ids[1]), ("opportunity.stage_changed", ids[1])]


async def test_what_cannot_be_ordered_changes_nothing(
    client: httpx.AsyncClient,
    pipeline: dict[str, Any],
    deals: list[dict[str, Any]],
    new_organization: MakeOrganization,
) -> None:
    other = await new_organization()
    theirs = await make_deal(other.client)
    stage, ids = pipeline["stages"][1], [deal["id"] for deal in deals]
    gone = await make_deal(client, "Gone")
    await client.delete(f"{OPPORTUNITIES}/{gone['id']}")
    unknown = [
        await reorder(client, stage, ids[3], one) for one in (RANDOM, theirs["id"], theirs["public_id"], gone["id"])
    ]
    assert [(one.status_code, one.json()["error"]) for one in unknown] == [(404, "opportunity_not_found")] * 4
    assert len({one.content for one in unknown}) == 1
    foreign = [await reorder(client, {"id": one}, ids[3]) for one in (RANDOM, theirs["pipeline_stage_id"])]
    assert [(one.status_code, one.json()["error"]) for one in foreign] == [(404, "pipeline_stage_not_found")] * 2
    twice = await reorder(client, stage, ids[3], deals[3]["public_id"])
    assert (twice.status_code, list(twice.json()["errors"])) == (422, ["ordered_ids.1"])
    many = await reorder(client, stage, *[RANDOM] * 1001)
    assert (many.status_code, list(many.json()["errors"])) == (422, ["ordered_ids"])
    assert await cards_of(client, pipeline["id"], stage["id"]) == ids
    assert (await reorder(client, stage)).json()["opportunities"] == []
