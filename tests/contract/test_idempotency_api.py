"""`Idempotency-Key` on writes: one effect for one key, the answer again, and what is refused."""

import asyncio

import httpx
import pytest

from drippulse.kit.idempotency.service import forget_old
from drippulse.kit.services import AppServices
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.serving import serving
from tests.support.workflows import create_workflow, enroll

WORKFLOWS, CONNECTIONS, SUPPRESSIONS = "/api/v1/workflows", "/api/v1/integration_connections", "/api/v1/suppressions"
KEY = {"Idempotency-Key": "order 1"}
BODY = {"name": "Once", "steps": [{"type": "log", "config": {"message": "x"}}]}


async def total(client: httpx.AsyncClient, path: str = WORKFLOWS) -> int:
    return (await client.get(path, params={"per_page": 1})).json()["total_count"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def make_older(services: AppServices, organization: TestOrganization, interval: str) -> None:
    """The clock is the database's, so what is kept is put back instead."""
    async with services.database.tenant(organization.id) as session:
        rows = await session.fetch("DELETE FROM idempotency_key RETURNING *")
        for row in rows:
            names = [name for name in dict(row) if name not in {"created_at", "claimed_until"}]
            places = ", ".join(f"${at}" for at in range(1, len(names) + 1))
            await session.execute(
                f"""INSERT INTO idempotency_key ({", ".join(names)}, created_at, claimed_until)
                    VALUES ({places}, now() - interval '{interval}', now() - interval '{interval}')""",
                *(row[name] for name in names),
            )


async def test_the_same_request_answers_the_same_and_does_nothing(client: httpx.AsyncClient) -> None:
    first = await client.post(WORKFLOWS, json=BODY, headers=KEY)
    again = await client.post(WORKFLOWS, json=BODY, headers=KEY)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (201, first.content, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await total(client) == 1


async def test_blanks_and_the_order_of_members_make_no_other_request(client: httpx.AsyncClient) -> None:
    first = await client.post(SUPPRESSIONS, content=b'{"email":"a@b.com","reason":"manual"}', headers=KEY)
    again = await client.post(SUPPRESSIONS, content=b'{ "reason": "manual", "email": "a@b.com" }', headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)


async def test_another_body_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    await client.post(WORKFLOWS, json=BODY, headers=KEY)
    other = await client.post(WORKFLOWS, json={**BODY, "name": "Twice"}, headers=KEY)
    assert refusal(other) == (422, "idempotency_mismatch")
    assert await total(client) == 1


async def test_another_query_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    for email in ("a@b.com", "c@d.com"):
        await client.post(SUPPRESSIONS, json={"email": email})
    assert (await client.delete(SUPPRESSIONS, params={"email": "a@b.com"}, headers=KEY)).status_code == 204
    other = await client.delete(SUPPRESSIONS, params={"email": "c@d.com"}, headers=KEY)
    assert refusal(other) == (422, "idempotency_mismatch")
    assert await total(client, SUPPRESSIONS) == 1


async def test_a_key_counts_for_one_path(client: httpx.AsyncClient) -> None:
    made = await client.post(WORKFLOWS, json=BODY, headers=KEY)
    assert (await client.post(SUPPRESSIONS, json={"email": "a@b.com"}, headers=KEY)).status_code == 201
    tried = await client.post(f"{WORKFLOWS}/{made.json()['id']}/test", json={}, headers=KEY)
    assert (tried.status_code, "idempotent-replayed" in tried.headers) == (200, False)


async def test_a_key_counts_for_one_method(client: httpx.AsyncClient) -> None:
    path = f"{WORKFLOWS}/{(await create_workflow(client))['id']}"
    assert (await client.patch(path, json={"name": "New"}, headers=KEY)).status_code == 200
    deleted = await client.delete(path, headers=KEY)
    assert (deleted.status_code, "idempotent-replayed" in deleted.headers) == (204, False)


async def test_a_key_counts_in_one_organization(client: httpx.AsyncClient, new_organization: MakeOrganization) -> None:
    await client.post(WORKFLOWS, json=BODY, headers=KEY)
    elsewhere = (await new_organization()).client
    made = await elsewhere.post(WORKFLOWS, json={**BODY, "name": "Theirs"}, headers=KEY)
    assert (made.status_code, "idempotent-replayed" in made.headers) == (201, False)


async def test_a_replayed_delete_is_204_although_it_is_gone(client: httpx.AsyncClient) -> None:
    path = f"{WORKFLOWS}/{(await create_workflow(client))['id']}"
    answers = [await client.delete(path, headers=KEY) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b""), (204, b"")]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert (await client.delete(path)).status_code == 404


async def test_the_headers_that_belong_to_an_answer_are_replayed(client: httpx.AsyncClient) -> None:
    path = f"{WORKFLOWS}/{(await create_workflow(client))['id']}/draft"
    first = await client.put(path, json={"steps": []}, headers=KEY)
    again = await client.put(path, json={"steps": []}, headers=KEY)
    assert first.status_code == 200, first.text
    assert (again.status_code, again.headers["etag"]) == (200, first.headers["etag"])
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


async def test_a_key_on_a_get_means_nothing(client: httpx.AsyncClient) -> None:
    first = await client.get(WORKFLOWS, headers=KEY)
    await client.post(WORKFLOWS, json=BODY)
    again = await client.get(WORKFLOWS, headers=KEY)
    assert (first.json()["total_count"], again.json()["total_count"]) == (0, 1)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é".encode("latin-1"), "ключ".encode(), b"a\x01b"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_key_that_is_none_is_refused(key: str | bytes, method: str, client: httpx.AsyncClient) -> None:
    path = WORKFLOWS if method == "POST" else f"{WORKFLOWS}/{(await create_workflow(client))['id']}"
    before = await total(client)
    raw = key.encode() if isinstance(key, str) else key
    answer = await client.request(method, path, headers=[(b"idempotency-key", raw)])
    assert refusal(answer) == (400, "invalid_idempotency_key")
    assert await total(client) == before


async def test_a_key_of_255_characters_is_one(client: httpx.AsyncClient) -> None:
    assert (await client.post(WORKFLOWS, json=BODY, headers={"Idempotency-Key": "~" * 255})).status_code == 201


async def test_errors_are_not_kept(client: httpx.AsyncClient) -> None:
    wrong = await client.post(WORKFLOWS, json={"nmae": "Once"}, headers=KEY)
    assert refusal(wrong) == (400, "missing_parameter")
    malformed = await client.post(WORKFLOWS, content=b"{", headers=KEY)
    assert refusal(malformed) == (400, "malformed_json")
    assert (await client.post(WORKFLOWS, json=BODY, headers=KEY)).status_code == 201
    connection = {"provider": "slack", "bot_token": "xoxb-1-canary"}
    await client.post(CONNECTIONS, json=connection)
    assert refusal(await client.post(CONNECTIONS, json=connection, headers=KEY)) == (409, "connection_exists")
    assert (await client.post(CONNECTIONS, json={**connection, "connection_key": "b"}, headers=KEY)).status_code == 201


async def test_rights_are_looked_at_before_an_answer_is_given_again(
    organization: TestOrganization, anonymous: httpx.AsyncClient
) -> None:
    await organization.client.post(WORKFLOWS, json=BODY, headers=KEY)
    viewer = await organization.as_role(MemberRole.VIEWER).post(WORKFLOWS, json=BODY, headers=KEY)
    assert refusal(viewer) == (403, "forbidden")
    assert (await anonymous.post(WORKFLOWS, json=BODY, headers=KEY)).status_code == 401
    editor = await organization.as_role(MemberRole.EDITOR).post(WORKFLOWS, json=BODY, headers=KEY)
    assert editor.headers["idempotent-replayed"] == "true"


async def test_fifty_at_once_have_one_effect(client: httpx.AsyncClient) -> None:
    workflow = (await create_workflow(client))["id"]
    path = f"{WORKFLOWS}/{workflow}/enrollments/bulk"
    body = {"contacts": [{"email": "ada@example.com"}]}
    answers = await asyncio.gather(*(client.post(path, json=body, headers=KEY) for _ in range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert len([answer for answer in done if "idempotent-replayed" not in answer.headers]) == 1
    others = {refusal(answer) for answer in answers if answer.status_code != 201}
    assert others <= {(409, "idempotency_in_flight")}
    assert await total(client, f"{WORKFLOWS}/{workflow}/enrollments") == 1


async def test_a_key_is_free_again_after_a_day(organization: TestOrganization, services: AppServices) -> None:
    client = organization.client
    await client.post(WORKFLOWS, json=BODY, headers=KEY)
    await make_older(services, organization, "23 hours 59 minutes")
    assert (await client.post(WORKFLOWS, json=BODY, headers=KEY)).headers["idempotent-replayed"] == "true"
    await make_older(services, organization, "24 hours 1 second")
    made = await client.post(WORKFLOWS, json={**BODY, "name": "Twice"}, headers=KEY)
    assert (made.status_code, await total(client)) == (201, 2)


async def test_the_scheduler_forgets_what_is_older_than_a_day(
    organization: TestOrganization, services: AppServices
) -> None:
    client = organization.client
    await client.post(WORKFLOWS, json=BODY, headers=KEY)
    await make_older(services, organization, "24 hours 1 second")
    await client.post(SUPPRESSIONS, json={"email": "a@b.com"}, headers=KEY)
    await forget_old(services.database)
    async with services.database.tenant(organization.id) as session:
        assert [row["path"] for row in await session.fetch("SELECT path FROM idempotency_key")] == [SUPPRESSIONS]


async def test_answers_are_kept_encrypted(organization: TestOrganization, services: AppServices) -> None:
    rotated = await organization.client.post("/api/v1/sending/bounce_webhook/rotate", headers=KEY)
    again = await organization.client.post("/api/v1/sending/bounce_webhook/rotate", headers=KEY)
    assert (again.status_code, again.content) == (200, rotated.content)
    async with services.database.tenant(organization.id) as session:
        kept = await session.fetchrow("SELECT * FROM idempotency_key")
    assert kept is not None
    assert rotated.json()["secret"].encode() not in bytes(kept["body"])
    assert rotated.json()["secret"] not in str(dict(kept))


async def test_an_order_that_works_in_portions_replays_too(client: httpx.AsyncClient) -> None:
    workflow = (await create_workflow(client))["id"]
    await enroll(client, workflow, *({"email": f"p{n}@example.com"} for n in range(3)))
    path = f"{WORKFLOWS}/{workflow}/enrollments/actions"
    first, again = [await client.post(path, json={"action": "pause", "all": True}, headers=KEY) for _ in range(2)]
    assert (first.status_code, first.json()["changed"]) == (200, 3)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


async def test_long_and_odd_paths_take_keys(client: httpx.AsyncClient) -> None:
    workflow = (await create_workflow(client))["id"]
    for step in ("x" * 5000, "%00", "%ff"):
        plain = await client.post(f"{WORKFLOWS}/{workflow}/steps/{step}/pause")
        answer = await client.post(f"{WORKFLOWS}/{workflow}/steps/{step}/pause", headers=KEY)
        assert (answer.status_code, plain.status_code) == (404, 404), step[:10]


async def test_a_reply_that_a_dead_process_owes_is_given_by_another(
    organization: TestOrganization, settings: Settings
) -> None:
    headers = {**KEY, "authorization": f"Bearer {organization.keys[MemberRole.ADMIN]}"}
    async with serving(settings, DRIPPULSE_FAILPOINT="api.before_answer") as url, httpx.AsyncClient() as web:
        with pytest.raises(httpx.TransportError):
            await web.post(f"{url}{WORKFLOWS}", json=BODY, headers=headers)
    assert await total(organization.client) == 1
    async with serving(settings) as url, httpx.AsyncClient() as web:
        again = await web.post(f"{url}{WORKFLOWS}", json=BODY, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    [listed] = (await organization.client.get(WORKFLOWS)).json()["workflows"]
    assert listed["id"] == again.json()["id"]
