"""The tags of all records: counted, renamed, merged, deleted."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from drippulse.crm.tags import service
from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.crm import CRM, make_record
from tests.support.organizations import TestOrganization

TAGS = f"{CRM}/tags"
NONE = {"account": 0, "contact": 0, "lead": 0, "opportunity": 0, "activity": 0}
FILL = """INSERT INTO contact (id, organization_id, public_id, tags)
SELECT gen_random_uuid(), $1, 'cnt_' || gen_random_uuid(),
  CASE WHEN n % 2 = 0 THEN '{many,kept}' ELSE '{many}' END::text[]
FROM generate_series(1, $2::int) AS n"""


async def counts(client: httpx.AsyncClient, **params: Any) -> dict[str, int]:
    answer = await client.get(TAGS, params=params)
    assert answer.status_code == 200, answer.text
    return {tag["name"]: tag["record_count"] for tag in answer.json()["tags"]}


async def rename(client: httpx.AsyncClient, name: str, new: str) -> httpx.Response:
    return await client.patch(f"{TAGS}/{quote(name, safe='')}", json={"name": new})


async def tags_of(client: httpx.AsyncClient, plural: str, record: dict[str, Any]) -> list[str]:
    return (await client.get(f"{CRM}/{plural}/{record['id']}")).json()["tags"]


async def test_tags_are_counted_by_record_type_whatever_becomes_of_the_records(client: httpx.AsyncClient) -> None:
    account = await make_record(client, "accounts", name="Acme", tags=["vip", "vip", "old"])
    lead = await make_record(client, "leads", tags=["vip"])
    listed = (await client.get(TAGS)).json()
    assert listed["tags"] == [
        {"name": "old", "counts": {**NONE, "account": 1}, "record_count": 1, "change": None},
        {"name": "vip", "counts": {**NONE, "account": 1, "lead": 1}, "record_count": 2, "change": None},
    ]
    assert listed["total_count"] == 2
    await client.delete(f"{CRM}/leads/{lead['id']}")
    await client.patch(f"{CRM}/accounts/{account['id']}", json={"tags": ["new", "old"]})
    assert await counts(client) == {"new": 1, "old": 1}
    await client.post(f"{CRM}/leads/{lead['id']}/restore")
    assert await counts(client) == {"new": 1, "old": 1, "vip": 1}


async def test_tags_are_searched_sorted_and_paged(client: httpx.AsyncClient) -> None:
    for tags in (["alpha", "beta"], ["beta", "gamma"], ["beta", "100%"]):
        await make_record(client, "contacts", tags=tags)
    assert list(await counts(client, q="ET")) == ["beta"]
    assert list(await counts(client, q="%")) == ["100%"]
    assert list(await counts(client, sort="-record_count", per_page=1)) == ["beta"]
    first = (await client.get(TAGS, params={"per_page": 3, "cursor": ""})).json()
    rest = (await client.get(TAGS, params={"per_page": 3, "cursor": first["next_cursor"]})).json()
    assert [tag["name"] for tag in (*first["tags"], *rest["tags"])] == ["100%", "alpha", "beta", "gamma"]
    assert (first["total_count"], rest["next_cursor"]) == (4, None)


async def test_a_renamed_tag_has_its_new_name_in_all_records_and_goes_back_with_one_changeset(
    client: httpx.AsyncClient,
) -> None:
    contact = await make_record(client, "contacts", tags=["a", "v/i p?", "z"])
    deal = await make_record(client, "opportunities", name="Deal", tags=["v/i p?"])
    other = await make_record(client, "contacts", tags=["b"])
    done = await rename(client, "v/i p?", "customer")
    changeset = done.json()["changeset_id"]
    assert done.json() == {
        "name": "customer",
        "merged": False,
        "status": "completed",
        "updated": 2,
        "changeset_id": changeset,
    }
    assert await tags_of(client, "contacts", contact) == ["a", "customer", "z"]
    assert await tags_of(client, "opportunities", deal) == ["customer"]
    assert await counts(client) == {"a": 1, "b": 1, "customer": 2, "z": 1}
    shown = (await client.get(f"{CRM}/changesets/{changeset}")).json()
    assert shown["counts"] == {"contact.update": 1, "opportunity.update": 1}
    assert shown["label"] == 'Tag "v/i p?" renamed to "customer"'
    await client.post(f"{CRM}/changesets/{changeset}/revert")
    assert await tags_of(client, "contacts", contact) == ["a", "v/i p?", "z"]
    assert await tags_of(client, "contacts", other) == ["b"]


async def test_a_tag_that_gets_another_ones_name_becomes_one_with_it(client: httpx.AsyncClient) -> None:
    both = await make_record(client, "leads", tags=["vip", "x", "VIP"])
    one = await make_record(client, "leads", tags=["vip"])
    done = (await rename(client, "vip", "VIP")).json()
    assert (done["merged"], done["updated"]) == (True, 2)
    assert [await tags_of(client, "leads", lead) for lead in (both, one)] == [["VIP", "x"], ["VIP"]]
    assert await counts(client) == {"VIP": 2, "x": 1}
    same = (await rename(client, "VIP", "VIP")).json()
    assert (same["merged"], same["updated"], same["changeset_id"]) == (False, 0, None)


async def test_a_deleted_tag_is_gone_from_all_records_and_can_come_back(client: httpx.AsyncClient) -> None:
    contact = await make_record(client, "contacts", tags=["a", "gone"])
    activity = await make_record(client, "activities", tags=["gone"])
    done = (await client.delete(f"{TAGS}/gone")).json()
    assert (done["name"], done["status"], done["updated"]) == ("gone", "completed", 2)
    assert await counts(client) == {"a": 1}
    assert await tags_of(client, "activities", activity) == []
    await client.post(f"{CRM}/changesets/{done['changeset_id']}/revert")
    assert await tags_of(client, "contacts", contact) == ["a", "gone"]


async def test_a_tag_that_no_live_record_has_is_not_found(
    client: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    theirs = (await new_organization()).client
    await make_record(theirs, "contacts", tags=["theirs"])
    mine = await make_record(client, "contacts", tags=["mine"])
    await client.delete(f"{CRM}/contacts/{mine['id']}")
    for name in ("theirs", "mine", "never"):
        for answer in (await rename(client, name, "x"), await client.delete(f"{TAGS}/{name}")):
            assert (answer.status_code, answer.json()["error"]) == (404, "tag_not_found")
    assert await counts(theirs) == {"theirs": 1}
    assert await counts(client) == {}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, 7, None])
async def test_a_name_that_no_tag_can_have_changes_nothing(name: Any, client: httpx.AsyncClient) -> None:
    await make_record(client, "contacts", tags=["vip"])
    answer = await client.patch(f"{TAGS}/vip", json={"name": name})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["name"])
    assert await counts(client) == {"vip": 1}


async def test_a_tag_of_very_many_records_changes_in_the_background_in_portions(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(FILL, organization.id, service.AT_ONCE + 1)
    begun = (await rename(client, "many", "kept")).json()
    assert (begun["status"], begun["updated"], begun["merged"]) == ("running", 0, True)
    for busy in (await rename(client, "kept", "many"), await client.delete(f"{TAGS}/many")):
        assert (busy.status_code, busy.json()["error"]) == (409, "tag_busy")
    await asyncio.gather(*(service.change_tags(services.database) for _ in range(3)))
    [change] = [tag["change"] for tag in (await client.get(TAGS)).json()["tags"] if tag["name"] == "many"]
    assert (change["action"], change["new_name"], change["changeset_id"]) == ("rename", "kept", begun["changeset_id"])
    assert change["updated"] in {service.PORTION, 2 * service.PORTION, 3 * service.PORTION}
    while await service.change_tags(services.database):
        pass
    assert await counts(client) == {"kept": service.AT_ONCE + 1}
    shown = (await client.get(f"{CRM}/changesets/{begun['changeset_id']}")).json()
    assert shown["counts"] == {"contact.update": service.AT_ONCE + 1}
    assert shown["actor"]["type"] == "api_key"
    assert (await client.delete(f"{TAGS}/kept")).json()["status"] == "running"
    while await service.change_tags(services.database):
        pass
    assert await counts(client) == {}


async def test_lists_find_by_tags_that_few_and_that_many_records_have(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    rare = await make_record(client, "contacts", tags=["rare", f"{organization.id}"])
    async with services.database.tenant(organization.id) as session:
        await session.execute(FILL, organization.id, 3_000)
    for tag, expected in (("rare", 1), ("many", 3_000), ("kept", 1_500), ("rare,kept", 1_501), ("none", 0)):
        for paging in ({"per_page": 20}, {"page": 2, "per_page": 20}, {}):
            answer = (await client.get(f"{CRM}/contacts", params={"tags": tag, **paging})).json()
            assert answer["total_count"] == expected or answer["total_count_is_lower_bound"], (tag, paging)
            assert all(set(row["tags"]) & set(tag.split(",")) for row in answer["contacts"])
    for tag in ("rare", f"{organization.id}"):
        found = (await client.get(f"{CRM}/contacts", params={"tags": tag})).json()["contacts"]
        assert [row["id"] for row in found] == [rare["id"]]


async def test_a_tally_of_many_parts_is_added_up(
    organization: TestOrganization, client: httpx.AsyncClient, services: AppServices
) -> None:
    parts = """INSERT INTO tag_tally (organization_id, record_type, tag, delta)
               SELECT $1, 'lead', 'old', CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END FROM generate_series(1, 1002) AS n"""
    await make_record(client, "leads", tags=["vip"])
    async with services.database.tenant(organization.id) as session:
        await session.execute(parts, organization.id)
    answers = await asyncio.gather(*(counts(client) for _ in range(3)))
    assert answers == [{"vip": 1}] * 3
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval("SELECT count(*) FROM tag_tally") == 1


def test_a_tag_is_replaced_where_it_stands() -> None:
    assert service.replaced(["a", "b", "c"], "b", "x") == ["a", "x", "c"]
    assert service.replaced(["a", "b", "c"], "b", "c") == ["a", "c"]
    assert service.replaced(["a", "b"], "b", None) == ["a"]
