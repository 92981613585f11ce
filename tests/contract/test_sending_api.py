"""`/sending` and `/suppressions`."""

from typing import Any

import httpx
import pytest

from tests.support.organizations import TestOrganization


async def test_without_a_policy_nothing_is_limited_and_the_breaker_has_its_defaults(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/api/v1/sending")).json()
    assert policy["quiet_hours"] is None
    assert policy["ramp_up"] is None
    assert {cap for caps in policy["caps"].values() for cap in caps.values()} == {None}
    assert policy["breaker"]["complaint_stop"] == 0.003


async def test_a_part_replaces_that_part_and_null_takes_it_away(client: httpx.AsyncClient) -> None:
    quiet = {"start": "21:00", "end": "08:00", "timezone": "org", "weekdays": ["fri", "sat"]}
    first = await client.patch("/api/v1/sending", json={"caps": {"contact": {"per_day": 1}}, "quiet_hours": quiet})
    assert first.status_code == 200, first.text
    second = (await client.patch("/api/v1/sending", json={"caps": {"sender": {"per_hour": 9}}})).json()
    assert (second["caps"]["contact"]["per_day"], second["caps"]["sender"]["per_hour"]) == (None, 9)
    assert second["quiet_hours"]["weekdays"] == ["fri", "sat"]
    third = (await client.patch("/api/v1/sending", json={"sending": {"quiet_hours": None}})).json()
    assert third["quiet_hours"] is None
    assert (await client.get("/api/v1/sending")).json() == third


async def test_a_ramp_up_begins_when_it_is_set_unless_it_says_when(client: httpx.AsyncClient) -> None:
    ramp = {"start_per_day": 50, "factor": 1.5, "days": 14}
    answer = (await client.patch("/api/v1/sending", json={"ramp_up": ramp})).json()
    assert answer["ramp_up"]["started_at"] is not None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"quiet_hours": {"start": "08:00", "end": "08:00"}}, "quiet_hours"),
        ({"caps": {"contact": {"per_day": 0}}}, "caps.contact.per_day"),
        ({"caps": {"contact": {"per_fortnight": 3}}}, "caps.contact.per_fortnight"),
        ({"breaker": {"window_days": 400}}, "breaker.window_days"),
        ({"quite_hours": {}}, "quite_hours"),
    ],
)
async def test_impossible_settings_are_refused_with_their_place(
    client: httpx.AsyncClient, body: dict[str, Any], place: str
) -> None:
    answer = await client.patch("/api/v1/sending", json=body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [place]
    assert (await client.get("/api/v1/sending")).json()["quiet_hours"] is None


async def test_resetting_needs_a_note(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/sending/reset_breaker", json={})).status_code == 400
    answer = await client.post("/api/v1/sending/reset_breaker", json={"note": "list cleaned"})
    assert (answer.status_code, answer.json()["breaker"]["note"]) == (200, "list cleaned")


async def test_suppressing_twice_is_suppressing_once(client: httpx.AsyncClient) -> None:
    first = await client.post("/api/v1/suppressions", json={"email": "Ada@Example.com"})
    again = await client.post("/api/v1/suppressions", json={"suppression": {"email": "ada@example.COM"}})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["email"], first.json()["reason"]) == ("ada@example.com", "manual")
    for _ in range(2):
        gone = await client.delete("/api/v1/suppressions", params={"email": "ADA@example.com"})
        assert gone.status_code == 204
    assert (await client.get("/api/v1/suppressions")).json() == {"suppressions": [], "total_count": 0}


async def test_the_list_pages_searches_and_filters(client: httpx.AsyncClient) -> None:
    for number in range(5):
        reason = "complaint" if number == 3 else "manual"
        await client.post("/api/v1/suppressions", json={"email": f"p{number}@example.com", "reason": reason})
    page = (await client.get("/api/v1/suppressions", params={"per_page": 2})).json()
    assert [row["email"] for row in page["suppressions"]] == ["p4@example.com", "p3@example.com"]
    assert page["total_count"] == 5
    rest = await client.get("/api/v1/suppressions", params={"per_page": 2, "cursor": page["next_cursor"]})
    assert [row["email"] for row in rest.json()["suppressions"]] == ["p2@example.com", "p1@example.com"]
    assert (await client.get("/api/v1/suppressions", params={"q": "P2@"})).json()["total_count"] == 1
    assert (await client.get("/api/v1/suppressions", params={"reason": "complaint"})).json()["total_count"] == 1


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 400])
async def test_what_is_no_address_is_refused(client: httpx.AsyncClient, email: str) -> None:
    assert (await client.post("/api/v1/suppressions", json={"email": email})).status_code == 422
    assert (await client.delete("/api/v1/suppressions", params={"email": email})).status_code == 422


async def test_suppressions_of_others_are_not_seen_or_touched(
    organization: TestOrganization, client: httpx.AsyncClient, new_organization: Any
) -> None:
    other = await new_organization()
    await other.client.post("/api/v1/suppressions", json={"email": "ada@example.com"})
    assert (await client.get("/api/v1/suppressions")).json()["total_count"] == 0
    await client.delete("/api/v1/suppressions", params={"email": "ada@example.com"})
    assert (await other.client.get("/api/v1/suppressions")).json()["total_count"] == 1
