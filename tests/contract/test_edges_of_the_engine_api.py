"""What hostile or careless callers of the engine's routes get: a sentence, quickly, and nothing changed."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.support.workflows import SEED_WORKFLOW, create_workflow

WORKFLOWS = "/api/v1/workflows"
LOG = {"id": "log", "type": "log", "config": {"message": "x"}}
WAIT = {"id": "pause", "type": "wait", "config": {"duration": 1, "unit": "days"}}
HEAVY = "{% for i in (1..9999) %}{{ big | upcase | downcase | size }}{{ nothing }}{{ nothing }}{% endfor %}"


async def test_a_key_that_is_much_work_for_each_contact_is_refused_for_the_rest_of_them(
    client: httpx.AsyncClient,
) -> None:
    light = "{% for i in (1..50) %}" + "{{ email }}" * 70 + "{% endfor %}"
    workflow = await create_workflow(client, steps=[WAIT], settings={"dedupe_key": light})
    began = time.thread_time()
    contacts = [{"email": f"p{number}@example.com"} for number in range(500)]
    answer = await client.post(f"{WORKFLOWS}/{workflow['id']}/enrollments/bulk", json={"contacts": contacts})
    assert answer.status_code == 201
    statuses = [row["status"] for row in answer.json()["results"]]
    assert set(statuses) == {"enrolled", "invalid"}
    assert "to do together" in answer.json()["results"][-1]["reason"]
    assert time.thread_time() - began < 10


async def test_a_dry_run_with_a_heavy_template_ends_soon_and_says_why(client: httpx.AsyncClient) -> None:
    steps = [{"id": f"log{number}", "type": "log", "config": {"message": HEAVY}} for number in range(20)]
    workflow = await create_workflow(client, steps=steps)
    began = time.thread_time()
    answer = await client.post(f"{WORKFLOWS}/{workflow['id']}/test", json={"sample_data": {"big": "x" * 50_000}})
    assert answer.json()["status"] == "failed"
    assert "too much to do" in " ".join(answer.json()["logs"])
    assert time.thread_time() - began < 5


async def test_a_confirmation_that_names_another_strategy_changes_nothing(client: httpx.AsyncClient) -> None:
    """Whoever previewed a migration and then asks to end all runs has to look again."""
    workflow = await create_workflow(client, steps=[WAIT])
    url = f"{WORKFLOWS}/{workflow['id']}"
    await client.put(f"{url}/draft", json={"steps": [WAIT, LOG]})
    token = (await client.post(f"{url}/publish/preview", json={"strategy": "migrate"})).json()["confirm_token"]
    refused = await client.post(f"{url}/publish", json={"confirm_token": token, "strategy": "exit"})
    assert (refused.status_code, refused.json()["error"]) == (422, "strategy_mismatch")
    assert list(refused.json()["errors"]) == ["strategy"]
    assert (await client.get(url)).json()["version"] == 1
    agreed = await client.post(f"{url}/publish", json={"confirm_token": token, "strategy": "migrate"})
    assert (agreed.status_code, agreed.json()["strategy"]) == (200, "migrate")


async def test_batches_with_the_same_ids_in_another_order_do_not_stop_each_other(client: httpx.AsyncClient) -> None:
    events = [{"type": "order.paid", "id": f"order-{number}"} for number in range(150)]
    bodies = [{"events": events if place % 2 else events[::-1]} for place in range(4)]
    answers = await asyncio.gather(*(client.post("/api/v1/events/batch", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert sum(answer.json()["accepted_count"] for answer in answers) == 150


async def test_an_unknown_field_inside_another_names_its_own_neighbours(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/api/v1/sending", json={"caps": {"contacts": {"per_day": 1}}})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "caps.contacts": [
            'Unknown field. Did you mean "contact"? The fields are organization, sender, recipient_domain, contact.'
        ]
    }


async def test_a_sentence_that_begins_with_a_field_keeps_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/api/v1/sending", json={"caps": {"contact": {"per_day": 5, "per_hour": 10}}})
    assert answer.json()["errors"]["caps.contact"][0].startswith("per_hour 10 can never be reached")


async def test_an_address_to_take_off_the_list_has_to_be_named(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/v1/suppressions")
    assert (answer.status_code, answer.json()["error"]) == (400, "missing_parameter")
    assert list(answer.json()["errors"]) == ["email"]


SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing in a list": (
        {"type": "wait_until", "config": {"time_of_day": "09:00", "weekdays": []}},
        "`weekdays` needs at least 1, and has 0.",
    ),
    "a name of the wrong form": (
        {"type": "wait_for_event", "config": {"event": "Order Paid"}},
        "`event` does not match the pattern ",
    ),
    "a number out of all bounds": (
        {"type": "enroll", "config": {"workflow_id": 10**25}},
        "`workflow_id` is too large a number.",
    ),
    "a cron of a thousand numbers": (
        {"type": "trigger", "config": {"frequency": "cron", "cron": "1," * 1000 + "1 * * * *"}},
        "`cron` takes at most 200 characters.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
async def test_findings_say_what_is_wrong_in_words(client: httpx.AsyncClient, case: str) -> None:
    step, sentence = SENTENCES[case]
    answer = await client.post(WORKFLOWS, json={**SEED_WORKFLOW, "steps": [step]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_step_graph")
    assert sentence in answer.json()["message"]
