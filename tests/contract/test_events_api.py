"""`/events` over HTTP: taken once, durable, refused with a sentence, read in pages."""

from typing import Any

import httpx
import pytest

from tests.conftest import MakeOrganization

EVENTS, BATCH, WORKFLOWS = "/api/v1/events", "/api/v1/events/batch", "/api/v1/workflows"
LISTENING = {
    "name": "Listening",
    "status": "active",
    "steps": [{"type": "wait_for_event", "config": {"event": "order.waited"}}],
    "settings": {"goals": [{"name": "paid", "event": "order.goal"}]},
}


async def kept(client: httpx.AsyncClient, event_type: str) -> list[dict[str, Any]]:
    return (await client.get(EVENTS, params={"type": event_type})).json()["events"]


async def test_an_event_is_answered_as_it_stands_in_the_log(client: httpx.AsyncClient) -> None:
    body = {
        "type": "order.paid",
        "email": "Ada@Example.COM",
        "data": {"amount": 1},
        "occurred_at": "2026-01-31T10:00:00+01:00",
    }
    sent = await client.post(EVENTS, json=body)
    assert sent.status_code == 201
    event = sent.json()
    assert (event["key"], event["data"], event["actor_type"]) == ("ada@example.com", {"amount": 1}, "api_key")
    assert (event["occurred_at"], event["record_id"]) == ("2026-01-31T09:00:00.000Z", str(event["id"]))
    assert await kept(client, "order.paid") == [event]


async def test_the_same_id_answers_the_first_event_and_does_nothing(client: httpx.AsyncClient) -> None:
    first = await client.post(EVENTS, json={"type": "order.paid", "key": "a", "id": "x-1"})
    again = await client.post(EVENTS, json={"type": "order.other", "key": "b", "id": "x-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert await kept(client, "order.other") == []


async def test_ids_of_two_organizations_do_not_meet(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    answers = [await one.post(EVENTS, json={"type": "order.paid", "id": "y-1"}) for one in (client, other.client)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert (await client.get(EVENTS, params={"type": "order.paid"})).json()["total_count"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"email": "a@b.org"}, 400, "missing_parameter", "type"),
        ({"type": "Order Paid"}, 422, "validation_failed", "type"),
        ({"type": "x" * 201}, 422, "validation_failed", "type"),
        ({"type": "email.opened", "email": "a@b.org"}, 422, "reserved_event_type", "type"),
        ({"type": "enrollment.completed"}, 422, "reserved_event_type", "type"),
        ({"type": "order.paid", "email": "nobody"}, 422, "validation_failed", "email"),
        ({"type": "order.paid", "key": "a", "email": "a@b.org"}, 422, "validation_failed", "body"),
        ({"type": "order.paid", "data": [1]}, 422, "validation_failed", "data"),
        ({"type": "order.paid", "occurred_at": "2026-01-31T10:00:00"}, 422, "validation_failed", "occurred_at"),
        ({"type": "order.paid", "person": "a"}, 422, "validation_failed", "person"),
        ({"type": "email.replied"}, 422, "event_key_required", "key"),
        ({"type": "order.waited"}, 422, "event_key_required", "key"),
        ({"type": "order.goal"}, 422, "event_key_required", "key"),
    ],
)
async def test_what_is_not_acceptable_is_refused_with_its_place_and_nothing_is_kept(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    assert (await client.post(WORKFLOWS, json=LISTENING)).status_code == 201
    before = (await client.get(EVENTS)).json()["total_count"]
    answer = await client.post(EVENTS, json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert field in answer.json()["errors"]
    assert (await client.get(EVENTS)).json()["total_count"] == before


async def test_a_batch_takes_what_is_valid_and_names_the_rest(client: httpx.AsyncClient) -> None:
    events = [{"type": "b.one", "id": "z-1"}, {"type": "ping"}, {"type": "b.two"}, {"type": "b.one", "id": "z-1"}]
    answer = await client.post(BATCH, json={"events": events})
    assert answer.status_code == 201
    body = answer.json()
    assert [result["status"] for result in body["results"]] == ["accepted", "invalid", "accepted", "duplicate"]
    assert (body["accepted_count"], body["duplicate_count"], body["invalid_count"]) == (2, 1, 1)
    assert body["results"][0]["event_id"] == body["results"][3]["event_id"]
    assert "type" in body["results"][1]["errors"]
    again = await client.post(BATCH, json={"events": events[:1]})
    assert (again.status_code, again.json()["duplicate_count"]) == (200, 1)


async def test_a_batch_without_anything_valid_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(BATCH, json={"events": [{"type": "ping"}, {}]})
    assert (answer.status_code, answer.json()["error"]) == (422, "no_events_accepted")
    assert len(answer.json()["results"]) == 2
    for events in ([], [{"type": "a.b"}] * 1001):
        assert (await client.post(BATCH, json={"events": events})).status_code == 422


async def test_the_log_is_read_in_pages_and_by_filters(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await client.post(EVENTS, json={"type": "p.q", "lead_ref": f"l-{number % 2}", "email": "a@b.org"})
    first = (await client.get(EVENTS, params={"type": "p.q", "per_page": 2, "cursor": ""})).json()
    second = (await client.get(EVENTS, params={"type": "p.q", "per_page": 2, "cursor": first["next_cursor"]})).json()
    ids = [event["id"] for event in first["events"] + second["events"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), first["total_count"]) == (4, 5)
    assert len((await client.get(EVENTS, params={"key": "l-1"})).json()["events"]) == 2
    assert len((await client.get(EVENTS, params={"key": "A@B.org"})).json()["events"]) == 5
    newest = ids[0]
    one = (await client.get(EVENTS, params={"record_type": "event", "record_id": str(newest)})).json()
    assert [event["id"] for event in one["events"]] == [newest]
    assert (await client.get(EVENTS, params={"since": "2999-01-01T00:00:00Z"})).json()["events"] == []
    assert (await client.get(EVENTS, params={"since": "yesterday"})).status_code == 422


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"goals": [{"name": "a"}]}, "settings.goals.0"),
        (
            {
                "goals": [
                    {
                        "name": "a",
                        "conditions": [{"field": "x", "operator": "exists"}, {"field": "x", "operator": "is"}],
                    }
                ]
            },
            "settings.goals.0.conditions.1.operator",
        ),
        ({"exit_criteria": [{"trigger": "event"}]}, "settings.exit_criteria.0"),
        ({"exit_criteria": [{"trigger": "rely"}]}, "settings.exit_criteria.0.trigger"),
        ({"re_entry": {"mode": "cooldown"}}, "settings.re_entry"),
        (
            {"re_entry": {"mode": "cooldown", "cooldown": {"duration": 150_000_000, "unit": "weeks"}}},
            "settings.re_entry.cooldown",
        ),
        ({"dedupe_key": "{{ x"}, "settings.dedupe_key"),
        ({"goal": []}, "settings.goal"),
    ],
)
async def test_settings_that_are_not_acceptable_name_their_place(
    client: httpx.AsyncClient, given: dict[str, Any], place: str
) -> None:
    answer = await client.post(WORKFLOWS, json={"name": "x", "settings": given})
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_settings")
    assert place in answer.json()["errors"]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({}, "event"),
        ({"event": "Order Paid"}, "event"),
        ({"event": "enrollment.completed"}, "event"),
        ({"event": "a.b", "on_timeout": "nowhere"}, "on_timeout"),
        ({"event": "a.b", "timeout": {"duration": 0, "unit": "days"}}, "timeout.duration"),
        ({"event": "a.b", "timeout": {"duration": 9, "unit": "years"}}, "timeout.unit"),
        ({"event": "a.b", "key": "{{ x"}, "key"),
        ({"event": "a.b", "match": [{"field": "x", "operator": "equals", "value": "{% if %}"}]}, "conditions.0.value"),
        ({"event": "a.b", "since": "ever"}, "since"),
    ],
)
async def test_a_wait_that_is_not_acceptable_names_its_place(
    client: httpx.AsyncClient, config: dict[str, Any], place: str
) -> None:
    steps = [{"type": "wait_for_event", "config": config}]
    answer = await client.post(WORKFLOWS, json={"name": "x", "steps": steps})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_step_graph")
    assert f"steps.0.config.{place}" in answer.json()["errors"]


async def test_a_dry_run_goes_on_as_if_the_event_had_come(client: httpx.AsyncClient) -> None:
    steps = [
        {"type": "wait_for_event", "config": {"event": "a.b", "timeout": {"duration": 1, "unit": "days"}}},
        {"type": "log", "config": {"message": "{{ event.type }}"}},
    ]
    workflow = (await client.post(WORKFLOWS, json={"name": "x", "steps": steps})).json()["id"]
    answer = (await client.post(f"{WORKFLOWS}/{workflow}/test", json={})).json()
    assert answer["status"] == "completed"
    assert answer["logs"][0].startswith("[test] Would wait for a.b until ")
    assert answer["steps"][0]["output"]["event"]["type"] == "a.b"
