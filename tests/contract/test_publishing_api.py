"""Drafts, previews, publishing and the history of versions over REST."""

from typing import Any

import httpx
import pytest

from drippulse.kit.crypto import LinkSigner
from drippulse.kit.services import AppServices
from drippulse.workflows.publishing import confirm
from drippulse.workflows.publishing.tables import Strategy
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll, webhook_step

WORKFLOWS = "/api/v1/workflows"
WAIT = {"id": "pause", "type": "wait", "name": "Pause", "config": {"duration": 1, "unit": "days"}}
LOG = {"id": "done", "type": "log", "name": "Done", "config": {"message": "ok"}}
MAIL = {"id": "mail", "type": "email", "name": "Mail", "config": {"subject": "Hi {{ nick }}", "body": "x"}}
SETTINGS = {"re_entry": {"mode": "never"}}


async def made(client: httpx.AsyncClient, *steps: dict[str, Any], **fields: Any) -> str:
    """The URL of a new workflow."""
    workflow = await create_workflow(client, steps=list(steps) or [WAIT, LOG], **fields)
    return f"{WORKFLOWS}/{workflow['id']}"


async def put(client: httpx.AsyncClient, url: str, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await client.put(f"{url}/draft", json={"steps": list(steps), **fields}, headers={"if-match": "*"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def look(client: httpx.AsyncClient, url: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{url}/publish/preview", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_settings_are_kept_with_the_version_and_a_change_makes_a_new_one(client: httpx.AsyncClient) -> None:
    url = await made(client, settings=SETTINGS)
    assert (await client.get(url)).json()["settings"] == SETTINGS
    same = (await client.patch(url, json={"settings": SETTINGS})).json()
    assert same["version"] == 1
    changed = (await client.patch(url, json={"settings": {}})).json()
    assert (changed["version"], changed["settings"]) == (2, {})
    renamed = (await client.patch(url, json={"name": "Other"})).json()
    assert renamed["version"] == 2
    wrong = await client.patch(url, json={"settings": {"re_entry": {"mode": "sometimes"}}})
    assert error(wrong) == (422, "invalid_settings")
    assert list(wrong.json()["errors"]) == ["settings.re_entry.mode"]


async def test_a_draft_stands_beside_the_live_version(client: httpx.AsyncClient) -> None:
    url = await made(client)
    assert error(await client.get(f"{url}/draft")) == (404, "draft_not_found")
    saved = await client.put(f"{url}/draft", json={"steps": [LOG], "settings": SETTINGS})
    draft = saved.json()
    assert saved.headers["etag"] == '"1"'
    assert (draft["revision"], draft["base_version"], draft["live_version"], draft["problems"]) == (1, 1, 1, {})
    assert (await client.get(f"{url}/draft")).json() == draft
    workflow = (await client.get(url)).json()
    assert (workflow["version"], len(workflow["steps"]), workflow["settings"], workflow["has_draft"]) == (
        1,
        2,
        {},
        True,
    )
    assert (await client.delete(f"{url}/draft")).status_code == 204
    assert (await client.get(url)).json()["has_draft"] is False
    assert error(await client.delete(f"{url}/draft")) == (404, "draft_not_found")


async def test_what_is_left_out_stays_as_it_is(client: httpx.AsyncClient) -> None:
    url = await made(client, settings=SETTINGS)
    first = (await client.put(f"{url}/draft", json={"steps": [LOG]})).json()
    assert first["settings"] == SETTINGS
    second = (await client.put(f"{url}/draft", json={"settings": {}, "revision": 1})).json()
    assert ([step["id"] for step in second["steps"]], second["settings"]) == (["done"], {})


async def test_an_incomplete_draft_is_saved_and_cannot_be_published(client: httpx.AsyncClient) -> None:
    url = await made(client)
    draft = await put(client, url, {"id": "m", "type": "email", "config": {}}, settings={"goals": [{}]})
    assert {"steps.0.config.subject", "settings.goals.0.name"} <= set(draft["problems"])
    seen = await look(client, url)
    assert (seen["problems"], seen["publishable"]) == (draft["problems"], False)
    answer = await client.post(f"{url}/publish", json={"confirm_token": seen["confirm_token"]})
    assert error(answer) == (400, "invalid_step_graph")
    assert (await client.get(url)).json()["version"] == 1


async def test_two_editors_do_not_overwrite_each_other_unseen(client: httpx.AsyncClient) -> None:
    url = await made(client)
    first = (await client.put(f"{url}/draft", json={"steps": [LOG]})).json()
    unseen = await client.put(f"{url}/draft", json={"steps": [WAIT]})
    assert error(unseen) == (409, "draft_changed")
    assert unseen.json()["revision"] == first["revision"]
    fresh = {"if-match": f'"{first["revision"]}"'}
    assert (await client.put(f"{url}/draft", json={"steps": [WAIT]}, headers=fresh)).status_code == 200
    assert error(await client.put(f"{url}/draft", json={"steps": [LOG]}, headers=fresh)) == (409, "draft_changed")
    assert error(await client.delete(f"{url}/draft", headers=fresh)) == (409, "draft_changed")
    assert (await client.delete(f"{url}/draft", headers={"if-match": 'W/"2"'})).status_code == 204
    gone = await client.put(f"{url}/draft", json={"steps": [LOG]}, headers={"if-match": "2"})
    assert error(gone) == (409, "draft_changed")
    odd = await client.put(f"{url}/draft", json={"steps": [LOG]}, headers={"if-match": "soon"})
    assert error(odd) == (422, "validation_failed")


async def test_an_echoed_mask_stands_for_the_secret_of_draft_or_live_step(client: httpx.AsyncClient) -> None:
    url = await made(client, webhook_step())
    shown = (await client.get(url)).json()["steps"]
    draft = await put(client, url, *shown, LOG)
    assert draft["steps"][0]["config"]["secret"] == "********"
    again = await put(client, url, *draft["steps"])
    assert again["problems"] == {}
    assert (await look(client, url))["diff"]["changed"] == []
    stray = await client.put(f"{url}/draft", json={"steps": [{**shown[0], "id": "new"}]}, headers={"if-match": "*"})
    assert error(stray) == (400, "invalid_step_graph")


async def test_with_nobody_in_flight_a_draft_is_published_without_a_preview(client: httpx.AsyncClient) -> None:
    url = await made(client)
    assert error(await client.post(f"{url}/publish", json={})) == (404, "draft_not_found")
    await put(client, url, LOG)
    published = (await client.post(f"{url}/publish", json={"note": "Shorter"})).json()
    assert (published["version"], published["status"], published["strategy"], published["move"]) == (
        2,
        "active",
        "pin",
        None,
    )
    workflow = (await client.get(url)).json()
    assert (workflow["version"], workflow["status"], workflow["has_draft"]) == (2, "active", False)
    assert [step["id"] for step in workflow["steps"]] == ["done"]


async def test_with_somebody_in_flight_a_preview_has_to_be_confirmed(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    url = await made(client)
    await enroll(client, int(url.rpartition("/")[2]), *({"email": f"p{n}@x.org", "nick": "P"} for n in range(3)))
    await put(client, url, WAIT, MAIL)
    for body in ({}, {"strategy": "restart"}):
        assert error(await client.post(f"{url}/publish", json=body)) == (409, "preview_required")
    seen = await look(client, url, strategy="migrate", note="Better")
    assert (seen["in_flight"], seen["gaps"], seen["publishable"], seen["new_version"]) == (3, {}, True, 2)
    [group] = seen["groups"]
    assert (group["version"], group["step_id"], group["count"], group["outcome"], group["to"]) == (
        1,
        "pause",
        3,
        "moves",
        "pause",
    )
    assert seen["empty_variables"] == {"sampled": 3, "variables": []}
    assert [step["id"] for step in seen["diff"]["added"]] == ["mail"]
    published = (await client.post(f"{url}/publish", json={"confirm_token": seen["confirm_token"]})).json()
    assert (published["version"], published["in_flight"], published["move"]["moved"]) == (2, 3, 3)
    moves = (await client.get(f"{url}/moves")).json()
    assert moves == {"moves": [published["move"]], "total_count": 1}
    assert moves["moves"][0]["targets"] == {"pause": "pause"}
    async with services.database.tenant(organization.id) as session:
        data = await session.fetchval(
            "SELECT data FROM event WHERE type = 'workflow.published' ORDER BY id DESC LIMIT 1"
        )
    assert '"strategy": "migrate"' in data
    assert '"version": 2' in data


async def test_gaps_in_the_map_are_named_in_the_preview_and_refused(client: httpx.AsyncClient) -> None:
    url = await made(client)
    await enroll(client, int(url.rpartition("/")[2]))
    await put(client, url, LOG)
    seen = await look(client, url, strategy="migrate")
    assert (list(seen["gaps"]), seen["groups"][0]["outcome"], seen["publishable"]) == (["step_map.pause"], "gap", False)
    assert seen["gaps"]["step_map.pause"][0].startswith('1 person stands on step "pause" ("Pause")')
    refused = await client.post(f"{url}/publish", json={"confirm_token": seen["confirm_token"]})
    assert error(refused) == (400, "invalid_step_map")
    assert refused.json()["errors"] == seen["gaps"]
    typo = await client.post(f"{url}/publish/preview", json={"strategy": "migrate", "step_map": {"pasue": "done"}})
    assert error(typo) == (400, "invalid_step_map")
    mapped = await look(client, url, strategy="migrate", step_map={"pause": None})
    assert (mapped["gaps"], mapped["groups"][0]["outcome"]) == ({}, "exits")
    published = await client.post(f"{url}/publish", json={"confirm_token": mapped["confirm_token"]})
    assert published.json()["move"]["exited"] == 1


async def test_the_preview_says_what_would_be_empty(client: httpx.AsyncClient) -> None:
    url = await made(client)
    await enroll(client, int(url.rpartition("/")[2]), {"email": "a@x.org", "nick": "A"}, {"email": "b@x.org"})
    await put(client, url, WAIT, MAIL)
    seen = await look(client, url)
    assert seen["empty_variables"] == {
        "sampled": 2,
        "variables": [{"name": "nick", "contacts": 1, "steps": ["mail"]}],
    }
    assert seen["groups"][0]["outcome"] == "stays"


@pytest.mark.parametrize("change", ["draft", "live version", "step without a place"])
async def test_a_preview_is_stale_when_what_it_showed_has_changed(
    change: str, client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    url = await made(client)
    await enroll(client, int(url.rpartition("/")[2]))
    await put(client, url, WAIT, MAIL)
    token = (await look(client, url, strategy="migrate"))["confirm_token"]
    if change == "draft":
        await put(client, url, WAIT, LOG)
    elif change == "live version":
        await client.patch(url, json={"steps": [LOG, WAIT]})
    else:
        async with services.database.tenant(organization.id) as session:
            await session.execute("UPDATE enrollment SET step_id = 'done', current_step_index = 1")
    before = (await client.get(url)).json()
    refused = await client.post(f"{url}/publish", json={"confirm_token": token})
    assert error(refused) == (409, "preview_stale")
    assert ('came to stand on step "done"' in refused.text.replace("\\", "")) is (change == "step without a place")
    assert (await client.get(url)).json() == before


async def test_a_confirm_token_is_good_once_for_its_workflow_and_its_time(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    url, other = await made(client), await made(client)
    await put(client, url, LOG)
    await put(client, other, LOG)
    token = (await look(client, url))["confirm_token"]
    for wrong in (f"{token[:-2]}xx", "publish", "é"):
        answer = await client.post(f"{url}/publish", json={"confirm_token": wrong})
        assert error(answer) == (422, "invalid_confirm_token")
    foreign = await client.post(f"{other}/publish", json={"confirm_token": token})
    assert error(foreign) == (422, "invalid_confirm_token")
    number = int(url.rpartition("/")[2])
    old = confirm.Confirmation(organization.id, number, 1, 1, Strategy.PIN, {}, [], "", 1_000_000)
    expired = await client.post(
        f"{url}/publish", json={"confirm_token": confirm.sign(LinkSigner(services.settings), old)}
    )
    assert error(expired) == (410, "confirm_token_expired")
    assert (await client.post(f"{url}/publish", json={"confirm_token": token})).status_code == 200
    again = await client.post(f"{url}/publish", json={"confirm_token": token})
    assert error(again) == (409, "preview_stale")


async def test_the_history_has_every_version_with_who_is_on_it(
    client: httpx.AsyncClient, organization: TestOrganization
) -> None:
    url = await made(client)
    await enroll(client, int(url.rpartition("/")[2]))
    await client.patch(url, json={"steps": [LOG, WAIT, MAIL]})
    listed = (await client.get(f"{url}/versions")).json()
    assert listed["total_count"] == 2
    assert [(row["version"], row["live"], row["in_flight"], row["steps_count"]) for row in listed["versions"]] == [
        (2, True, 0, 3),
        (1, False, 1, 2),
    ]
    assert listed["versions"][0]["published_by"]["type"] == "api_key"
    page = await client.get(f"{url}/versions?cursor=&per_page=1")
    rest = await client.get(f"{url}/versions", params={"cursor": page.json()["next_cursor"], "per_page": 1})
    assert [row["version"] for row in rest.json()["versions"]] == [1]
    one = (await client.get(f"{url}/versions/1")).json()
    assert ([step["id"] for step in one["steps"]], one["settings"]) == (["pause", "done"], {})
    assert error(await client.get(f"{url}/versions/3")) == (404, "workflow_version_not_found")


async def test_two_versions_are_compared(client: httpx.AsyncClient) -> None:
    url = await made(client, webhook_step(), LOG)
    await client.patch(url, json={"steps": [LOG, WAIT, webhook_step(url="https://example.com/other")]})
    found = (await client.get(f"{url}/versions/diff?from=1&to=2")).json()
    assert (found["from"], found["to"], found["same"]) == (1, 2, False)
    assert [step["id"] for step in found["added"]] == ["pause"]
    assert len(found["moved"]) == 1
    assert [field["path"] for field in found["changed"][0]["fields"]] == ["config.url"]
    assert (await client.get(f"{url}/versions/diff")).json() == found
    assert (await client.get(f"{url}/versions/diff?from=2&to=2")).json()["same"]
    assert error(await client.get(f"{url}/versions/diff?from=1&to=9")) == (404, "workflow_version_not_found")


async def test_an_older_version_is_restored_into_a_draft_and_nothing_goes_live(client: httpx.AsyncClient) -> None:
    url = await made(client, webhook_step(), settings=SETTINGS)
    await client.patch(url, json={"steps": [LOG], "settings": {}})
    draft = (await client.post(f"{url}/versions/1/restore")).json()
    assert (draft["base_version"], draft["settings"], draft["problems"]) == (1, SETTINGS, {})
    assert (await client.get(url)).json()["version"] == 2
    assert error(await client.post(f"{url}/versions/1/restore")) == (409, "draft_changed")
    assert len((await look(client, url))["warnings"]) == 1
    assert (await client.post(f"{url}/publish", json={})).json()["version"] == 3
    assert (await client.get(f"{url}/versions/diff?from=1&to=3")).json()["same"]


@pytest.mark.parametrize("strategy", ["pin", "migrate", "restart", "exit"])
async def test_a_preview_stays_good_while_people_walk_on(
    strategy: str, client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    """As they always do in a busy workflow. A map may name a step that nobody is on any more."""
    url = await made(client)
    number = int(url.rpartition("/")[2])
    await enroll(client, number)
    await client.patch(url, json={"steps": [{**WAIT, "id": "old"}, LOG]})
    await enroll(client, number)
    await put(client, url, WAIT, LOG)
    step_map = {"step_map": {"old": "pause"}} if strategy == "migrate" else {}
    token = (await look(client, url, strategy=strategy, **step_map))["confirm_token"]
    async with services.database.tenant(organization.id) as session:
        await session.execute(
            "UPDATE enrollment SET step_id = 'done', current_step_index = 1 WHERE workflow_version = 2"
        )
        await session.execute("UPDATE enrollment SET status = 'completed' WHERE workflow_version = 1")
    published = await client.post(f"{url}/publish", json={"confirm_token": token})
    assert (published.status_code, published.json()["in_flight"]) == (200, 1)


async def test_a_preview_is_stale_when_people_would_fare_otherwise_because_of_another_version(
    client: httpx.AsyncClient, services: AppServices, organization: TestOrganization
) -> None:
    """A step of this id was a mail once: now that somebody is on that version again, nobody's visit of it goes on."""
    url = await made(client, {**MAIL, "id": "pause"})
    number = int(url.rpartition("/")[2])
    [old] = (await enroll(client, number))["enrollment_ids"]

    async def is_now(status: str) -> None:
        async with services.database.tenant(organization.id) as session:
            await session.execute("UPDATE enrollment SET status = $2 WHERE id = $1", old, status)

    await is_now("failed")
    await client.patch(url, json={"steps": [WAIT]})
    await enroll(client, number)
    await put(client, url, WAIT, LOG)
    token = (await look(client, url, strategy="migrate"))["confirm_token"]
    await is_now("active")
    refused = await client.post(f"{url}/publish", json={"confirm_token": token})
    assert error(refused) == (409, "preview_stale")
    await is_now("failed")
    assert (await client.post(f"{url}/publish", json={"confirm_token": token})).status_code == 200
