"""Many people at one board at once: the same as one after the other, nothing lost, nobody turned away."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx
import pytest

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.pipelines.reordering import reorder
from drippulse.crm.pipelines.schemas import Reorder
from drippulse.crm.schemas import OpportunityFields
from drippulse.crm.service import update_record
from drippulse.crm.tables import RecordType
from drippulse.kit.services import AppServices
from tests.support.crm import OPPORTUNITIES, PIPELINES, default_pipeline, make_deal
from tests.support.organizations import TestOrganization

DRAGGERS, DRAGS, CARDS = 8, 12, 15
STANDING = """SELECT id, pipeline_stage_id, stage_position FROM opportunity
  WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY stage_position, id"""
MISPLACED = """SELECT count(*) FROM opportunity o LEFT JOIN pipeline_stage s ON s.id = o.pipeline_stage_id
  WHERE o.organization_id = $1 AND (s.deleted_at IS NOT NULL OR s.stage_type <> o.status OR s.id IS NULL
    OR (o.closed_at IS NULL) <> (o.status = 'open'))"""

Board = dict[UUID, list[UUID]]


@pytest.fixture
async def stages(client: httpx.AsyncClient) -> list[UUID]:
    """Three of the default pipeline: Prospect, Proposal, Won."""
    pipeline = await default_pipeline(client)
    return [UUID(pipeline["stages"][index]["id"]) for index in (1, 3, 5)]


@pytest.fixture
async def cards(client: httpx.AsyncClient, stages: list[UUID]) -> list[UUID]:
    made = [
        await make_deal(client, f"Deal {number}", pipeline_stage_id=str(stages[number % 3])) for number in range(CARDS)
    ]
    return [UUID(deal["id"]) for deal in made]


async def board_of(services: AppServices, organization: TestOrganization, stages: list[UUID]) -> Board:
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch(STANDING, organization.id)
    places = [(row["pipeline_stage_id"], row["stage_position"]) for row in rows]
    assert len(set(places)) == len(places), "two cards at one place"
    return {stage: [row["id"] for row in rows if row["pipeline_stage_id"] == stage] for stage in stages}


def drag(board: Board, stage: UUID, wanted: list[UUID]) -> Board:
    """What one drag makes of a board: the model."""
    left = {one: [card for card in cards if card not in wanted] for one, cards in board.items()}
    return {**left, stage: [*wanted, *left[stage]]}


async def test_eight_draggers_leave_what_they_would_one_after_the_other(
    services: AppServices, organization: TestOrganization, stages: list[UUID], cards: list[UUID]
) -> None:
    before = await board_of(services, organization, stages)
    done: list[tuple[int, UUID, list[UUID]]] = []

    async def dragger(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(DRAGS):
            stage, wanted = dice.choice(stages), dice.sample(cards, dice.randint(1, 6))
            changeset = OpenChangeset()
            async with services.database.tenant(organization.id) as session:
                data = Reorder(pipeline_stage_id=str(stage), ordered_ids=[str(card) for card in wanted])
                await reorder(session, organization.principal, data, changeset)
            if changeset.id is not None:  # else it changed nothing
                done.append((changeset.id, stage, wanted))

    await asyncio.wait_for(asyncio.gather(*(dragger(seed) for seed in range(DRAGGERS))), 60)
    model = before
    for _, stage, wanted in sorted(done):  # numbered while the locks are held
        model = drag(model, stage, wanted)
    assert await board_of(services, organization, stages) == model
    assert len(done) > DRAGGERS * DRAGS / 2


async def test_two_who_drag_the_same_card_both_succeed(
    client: httpx.AsyncClient,
    services: AppServices,
    organization: TestOrganization,
    stages: list[UUID],
    cards: list[UUID],
) -> None:
    def call(stage: UUID) -> Any:
        body = {"pipeline_stage_id": str(stage), "ordered_ids": [str(card) for card in cards]}
        return client.post(f"{OPPORTUNITIES}/reorder", json=body)

    answers = await asyncio.gather(*(call(stage) for _ in range(4) for stage in stages[:2]))
    assert {answer.status_code for answer in answers} == {200}
    board = await board_of(services, organization, stages)
    assert [cards, []] in ([board[stages[0]], board[stages[1]]], [board[stages[1]], board[stages[0]]])


async def test_two_who_fill_one_stage_do_not_take_the_same_places(
    services: AppServices, organization: TestOrganization, stages: list[UUID], cards: list[UUID]
) -> None:
    async def put(card: UUID, *, wait_for: asyncio.Event | None = None) -> None:
        async with services.database.tenant(organization.id) as session:
            data = Reorder(pipeline_stage_id=str(stages[0]), ordered_ids=[str(card)])
            await reorder(session, organization.principal, data)
            if wait_for is not None:
                await wait_for.wait()

    commit = asyncio.Event()
    first = asyncio.create_task(put(cards[1], wait_for=commit))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(put(cards[2]))
    await asyncio.wait([second], timeout=0.2)
    assert not second.done(), "it waits for the one before"
    commit.set()
    await asyncio.gather(first, second)
    assert (await board_of(services, organization, stages))[stages[0]][:2] == [cards[2], cards[1]]


async def test_a_stage_is_not_deleted_under_a_card_that_is_on_its_way(
    client: httpx.AsyncClient,
    services: AppServices,
    organization: TestOrganization,
    stages: list[UUID],
    cards: list[UUID],
) -> None:
    pipeline = await default_pipeline(client)
    empty = pipeline["stages"][2]["id"]
    commit = asyncio.Event()

    async def move() -> None:
        async with services.database.tenant(organization.id) as session:
            fields = OpportunityFields.model_construct({"pipeline_stage_id"}, pipeline_stage_id=empty)
            await update_record(session, organization.principal, RecordType.OPPORTUNITY, str(cards[0]), fields)
            await commit.wait()

    moving = asyncio.create_task(move())
    await asyncio.sleep(0.1)
    gone = {"stages": [{"id": empty, "delete": True}]}
    deleting = asyncio.create_task(client.patch(f"{PIPELINES}/{pipeline['id']}", json=gone))
    await asyncio.wait([deleting], timeout=0.2)
    assert not deleting.done(), "it waits until it knows what stands there"
    commit.set()
    await moving
    answer = await deleting
    assert (answer.status_code, answer.json()["error"]) == (409, "stage_not_empty")


async def test_while_stages_change_every_card_keeps_a_stage_and_its_status(
    client: httpx.AsyncClient,
    services: AppServices,
    organization: TestOrganization,
    stages: list[UUID],
    cards: list[UUID],
) -> None:
    pipeline = await default_pipeline(client)
    answers: list[httpx.Response] = []

    async def dragger(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(DRAGS):
            stage, wanted = str(dice.choice(stages)), [str(card) for card in dice.sample(cards, 4)]
            if dice.random() < 0.5:
                body: dict[str, Any] = {"pipeline_stage_id": stage, "ordered_ids": wanted}
                answers.append(await client.post(f"{OPPORTUNITIES}/reorder", json=body))
            else:
                body = {"pipeline_stage_id": stage}
                answers.append(await client.patch(f"{OPPORTUNITIES}/{wanted[0]}", json=body))

    async def editor() -> None:
        for kind in ("lost", "open", "won", "open"):
            body = {"stages": [{"id": str(stages[1]), "stage_type": kind}]}
            answers.append(await client.patch(f"{PIPELINES}/{pipeline['id']}", json=body))
        gone = {"stages": [{"id": str(stages[1]), "delete": True, "move_to": str(stages[0])}]}
        answers.append(await client.patch(f"{PIPELINES}/{pipeline['id']}", json=gone))

    await asyncio.wait_for(asyncio.gather(editor(), *(dragger(seed) for seed in range(6))), 60)
    assert {answer.status_code for answer in answers} <= {200, 404}, [
        one.text for one in answers if one.status_code > 404
    ]
    assert {one.json()["error"] for one in answers if one.status_code == 404} <= {"pipeline_stage_not_found"}
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval(MISPLACED, organization.id) == 0
        rows = await session.fetch(STANDING, organization.id)
    assert sorted(row["id"] for row in rows) == sorted(cards)
    assert {row["pipeline_stage_id"] for row in rows} <= {stages[0], stages[2]}
