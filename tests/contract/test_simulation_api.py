"""`POST /workflows/:id/simulate` over HTTP. What it works out is tested without; so is that it equals the engine."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from drippulse.kit.services import AppServices
from drippulse.workflows.simulation.errors import SimulationTooLargeError
from drippulse.workflows.simulation.runner import Simulator
from tests.support.organizations import TestOrganization
from tests.support.simulation import job_of
from tests.support.workflows import create_workflow, enroll, webhook_step

WORKFLOWS = "/api/v1/workflows"
MAIL = {"id": "mail", "type": "email", "name": "Hello", "config": {"subject": "Hi {{ first_name }}", "body": "x"}}
WAIT = {"id": "pause", "type": "wait", "name": "Pause", "config": {"duration": 30, "unit": "days"}}
EMPTY_LOOP = {"id": "loop", "type": "goto", "name": "Loop", "config": {"step": "loop"}}
ADA = {"email": "ada@example.com", "first_name": "Ada"}
TABLES = ("enrollment", "enrollment_walk", "delivery", "event", "workflow_version", "suppression", "send_count")

BAD: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"contacts": []}, 422, "contacts_empty", "contacts"),
    ({"contacts": [1, 2]}, 422, "no_enrollments_created", None),
    ({"contacts": [ADA] * 10_001}, 413, "too_many_contacts", "contacts"),
    ({"source": {}}, 422, "validation_failed", "source"),
    ({"contacts": [ADA], "source": {"enrollments": {}}}, 422, "validation_failed", "body"),
    ({"source": {"enrollments": {"limit": 10_001}}}, 422, "validation_failed", "source.enrollments.limit"),
    ({"version": "newest"}, 422, "validation_failed", None),
    ({"version": 9}, 404, "workflow_version_not_found", None),
    ({"version": "draft"}, 422, "no_draft", "version"),
    ({"version": 1, "steps": [MAIL]}, 422, "validation_failed", "body"),
    ({"settings": {}}, 422, "validation_failed", "body"),
    ({"steps": []}, 400, "invalid_step_graph", "steps"),
    ({"steps": [EMPTY_LOOP]}, 400, "invalid_step_graph", "steps.0"),
    ({"steps": [MAIL], "settings": {"goals": [{}]}}, 422, "invalid_settings", "settings.goals.0.name"),
    ({"compare_with": {"steps": [EMPTY_LOOP]}}, 400, "invalid_step_graph", "compare_with.steps.0"),
    ({"compare_with": {"version": 9}}, 404, "workflow_version_not_found", None),
    ({"until": "2020-01-01T00:00:00Z"}, 422, "validation_failed", "until"),
    ({"until": "2099-01-01T00:00:00Z"}, 422, "validation_failed", "until"),
    ({"start_at": "2027-01-01"}, 422, "validation_failed", "start_at"),
    ({"timezone": "Mars"}, 422, "invalid_timezone", "timezone"),
    ({"arrivals": {"per_day": 0}}, 422, "validation_failed", "arrivals.per_day"),
    ({"seed": -1}, 422, "validation_failed", "seed"),
    ({"models": {"events": {"a.b": {"probability": 2}}}}, 422, "validation_failed", None),
    (
        {"models": {"events": {"order.paid": {"probability": 1}}}},
        422,
        "validation_failed",
        "models.events.order.paid",
    ),
    ({"models": {"calls": {"mial": [{"probability": 1}]}}}, 422, "validation_failed", "models.calls.mial"),
    ({"models": {"calls": {"mail": [{"probability": 1, "status": 500}]}}}, 422, "validation_failed", None),
    ({"models": {"approvals": {"mail": {"approve": 0.6, "reject": 0.6}}}}, 422, "validation_failed", None),
    ({"sending": {"caps": {"organization": {"per_day": 0}}}}, 422, "validation_failed", None),
    ({"contact": [ADA]}, 422, "validation_failed", "contact"),
]


async def _simulate(client: httpx.AsyncClient, workflow: int, **body: Any) -> httpx.Response:
    given = body if "contacts" in body or "source" in body else {"contacts": [ADA], **body}
    return await client.post(f"{WORKFLOWS}/{workflow}/simulate", json=given, timeout=60)


@pytest.fixture
async def workflow(client: httpx.AsyncClient) -> int:
    return int((await create_workflow(client, steps=[MAIL, WAIT]))["id"])


async def test_months_go_by_in_one_answer(client: httpx.AsyncClient, workflow: int) -> None:
    answer = await _simulate(client, workflow, start_at="2027-01-04T09:00:00Z", until="2027-07-04T09:00:00Z", seed=4)
    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["definition"], body["version"], body["seed"], body["workflow_id"]) == ("live", 1, 4, workflow)
    assert body["totals"]["completed"] == 1
    assert body["duration"]["p50_seconds"] == 30 * 86_400
    assert body["sends"]["per_day"] == [{"date": "2027-01-04", "sends": 1}]
    assert (body["virtual_seconds"], body["comparison"]) == (181 * 86_400, None)
    assert body["took_ms"] > 0


async def test_versions_drafts_and_given_steps_are_told_apart(client: httpx.AsyncClient, workflow: int) -> None:
    await client.patch(f"{WORKFLOWS}/{workflow}", json={"steps": [MAIL]})
    await client.put(f"{WORKFLOWS}/{workflow}/draft", json={"steps": [WAIT, WAIT | {"id": "more"}]})
    shown: list[tuple[str, int | None, list[str]]] = []
    for asked in ({}, {"version": 1}, {"version": "draft"}, {"steps": [WAIT]}):
        body = (await _simulate(client, workflow, **asked)).json()
        shown.append((body["definition"], body["version"], [step["id"] for step in body["steps"]]))
    assert shown == [
        ("live", 2, ["mail"]),
        ("1", 1, ["mail", "pause"]),
        ("draft", None, ["pause", "more"]),
        ("steps", None, ["pause"]),
    ]
    compared = (await _simulate(client, workflow, version=1, compare_with={"version": "live"})).json()["comparison"]
    assert (compared["other"]["version"], compared["other_path"]) == (2, 1)


async def test_contacts_can_be_those_of_runs(client: httpx.AsyncClient, workflow: int) -> None:
    await enroll(client, workflow, ADA, {"email": "bob@example.com", "first_name": "Bob"})
    body = (await _simulate(client, workflow, source={"enrollments": {"status": "active", "limit": 1}})).json()
    assert body["totals"]["contacts"] == 1
    assert (await _simulate(client, workflow, source={"enrollments": {}})).json()["totals"]["contacts"] == 2
    none = await _simulate(client, workflow, source={"enrollments": {"status": "failed"}})
    assert (none.status_code, none.json()["error"]) == (422, "contacts_empty")


async def test_contacts_can_be_those_of_the_crm(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    workflow = int((await create_workflow(client, steps=[MAIL]))["id"])
    async with services.database.tenant(organization.id) as session:
        for name, tag in (("ada", "vip"), ("bob", "other")):
            await session.execute(
                "INSERT INTO contact (id, organization_id, public_id, email, first_name, tags, timezone) "
                "VALUES (gen_random_uuid(), $1, $2, $3, $2, ARRAY[$4], 'Asia/Tokyo')",
                organization.id,
                name,
                f"{name}@example.com",
                tag,
            )
    body = (await _simulate(client, workflow, source={"contacts": {"tag": "vip"}})).json()
    assert (body["totals"]["contacts"], body["sends"]["total"], body["missing_variables"]) == (1, 1, {})
    assert (await _simulate(client, workflow, source={"contacts": {}})).json()["totals"]["contacts"] == 2


async def test_suppression_and_the_organizations_own_policy_hold(
    organization: TestOrganization, services: AppServices, workflow: int
) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(
            "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, 'ada@example.com', 'manual')",
            organization.id,
        )
    await organization.client.patch("/api/v1/sending", json={"caps": {"organization": {"per_day": 1}}})
    contacts = [ADA, {"email": "bob@example.com"}, {"email": "cy@example.com"}]
    body = (await _simulate(organization.client, workflow, contacts=contacts)).json()
    assert (body["sends"]["suppressed"], [day["sends"] for day in body["sends"]["per_day"]]) == (1, [1, 1])
    free = (await _simulate(organization.client, workflow, contacts=contacts, sending={})).json()
    assert ([day["sends"] for day in free["sends"]["per_day"]], free["caps"]) == ([2], [])


async def test_nothing_is_written(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    ask: dict[str, Any] = {"id": "again", "type": "approval", "name": "Ask", "config": {}}
    steps = [MAIL, webhook_step(), ask]
    workflow = int((await create_workflow(client, steps=steps))["id"])

    async def counts() -> list[int]:
        async with services.database.tenant(organization.id) as session:
            return [int(await session.fetchval(f"SELECT count(*) FROM {table}")) for table in TABLES]

    before = await counts()
    answer = await _simulate(client, workflow, models={"approvals": {"again": {"approve": 1}}})
    assert answer.json()["totals"]["completed"] == 1
    assert await counts() == before


async def test_secrets_do_not_leave(client: httpx.AsyncClient) -> None:
    made = await create_workflow(client, steps=[webhook_step()])
    answer = await _simulate(client, made["id"])
    assert (answer.status_code, answer.json()["totals"]["completed"]) == (200, 1)
    assert "whsec_" not in answer.text


@pytest.mark.parametrize(("body", "status", "code", "place"), BAD)
async def test_bad_input_is_refused_with_the_place(
    body: dict[str, Any], status: int, code: str, place: str | None, client: httpx.AsyncClient, workflow: int
) -> None:
    answer = await _simulate(client, workflow, **body)
    problem = answer.json()
    assert (answer.status_code, problem["error"]) == (status, code), problem
    if place is not None:
        assert place in problem["errors"]


async def test_a_foreign_workflow_is_unknown(client: httpx.AsyncClient, new_organization: Any, workflow: int) -> None:
    other = await new_organization()
    answers = [await _simulate(other.client, one) for one in (workflow, 999_999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


async def test_one_at_a_time_for_an_organization_over_all_processes(services: AppServices) -> None:
    first, second = Simulator(services.redis), Simulator(services.redis)
    job = job_of([MAIL, WAIT], [ADA], organization_id=77_001)
    answers = await asyncio.gather(first.run(job), second.run(job), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 1
    assert getattr(refused[0], "status", None) == 429
    assert getattr(refused[0], "retry_after", 0) > 0
    assert await second.run(job)


async def test_what_takes_too_long_is_stopped_and_leaves_no_lock(services: AppServices) -> None:
    job = job_of([MAIL, WAIT], [ADA], organization_id=77_002)
    with pytest.raises(SimulationTooLargeError, match="fewer contacts"):
        await Simulator(services.redis, wall_seconds=0.05).run(job)
    assert await Simulator(services.redis).run(job)


async def test_other_requests_go_on_meanwhile(client: httpx.AsyncClient, workflow: int) -> None:
    contacts = [{"email": f"p{number}@example.com", "first_name": "A"} for number in range(4000)]
    running = asyncio.create_task(_simulate(client, workflow, contacts=contacts))
    await asyncio.sleep(0.2)
    took: list[float] = []
    while not running.done() and len(took) < 200:
        began = time.perf_counter()
        assert (await client.get(f"{WORKFLOWS}/{workflow}")).status_code == 200
        took.append(time.perf_counter() - began)
    assert (await running).json()["totals"]["completed"] == 4000
    assert len(took) > 10, "the simulation held everything up"
