"""Comparing what was written: the queue, the chore, and many at once."""

import asyncio
from typing import Any

from drippulse.crm.duplicates import matching, service
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor
from drippulse.kit.db import Role
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.kit.services import AppServices
from drippulse_workers.chores import CHORES
from tests.support.crm import CRM, make_record
from tests.support.organizations import TestOrganization
from tests.support.waiting import eventually

MANY = """INSERT INTO contact (id, organization_id, public_id, phone)
SELECT gen_random_uuid(), $1, 'many_' || n, '415' || 5550000 + n / 2 FROM generate_series(2, $2::int) AS n"""
KEPT = "SELECT phone FROM record_match WHERE organization_id = $1 AND record_id = $2"
NOW = "SELECT match_key(match_phone(phone)) FROM contact WHERE organization_id = $1 AND id = $2"
WAITING = "SELECT count(*) FROM match_queue WHERE organization_id = $1"


async def groups(services: AppServices, organization: TestOrganization, limit: int = 5) -> dict[str, Any]:
    async with services.database.tenant(organization.id) as session:
        return await service.groups(session, SystemActor(organization.id), ListRequest(PageRequest(limit)))


async def test_what_one_call_does_not_get_through_the_chore_does(
    services: AppServices, organization: TestOrganization
) -> None:
    async with services.database.tenant(organization.id) as session:
        await session.execute(MANY, organization.id, matching.AT_ONCE * 2)
    first = await groups(services, organization)
    assert (first["is_complete"], len(first["duplicates"])) == (False, 5)
    [chore] = [chore for chore in CHORES if chore.name == "record_matches"]
    async with services.database.session(Role.ENGINE) as session:
        assert await session.fetchval(f"SELECT {chore.asks}")
    while await chore.work(services.database):
        pass
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval(WAITING, organization.id) == 0
    answer = await groups(services, organization, 200)
    assert (answer["is_complete"], answer["total_count_is_lower_bound"]) == (True, True)
    assert [group["record_count"] for group in answer["duplicates"]] == [2] * 200


async def test_what_the_engine_writes_is_compared_too(services: AppServices, organization: TestOrganization) -> None:
    made = await make_record(organization.client, "contacts", phone="4155550100")
    async with services.database.session(Role.ENGINE) as session:
        await session.execute(
            "INSERT INTO contact (id, organization_id, public_id, phone) VALUES (gen_random_uuid(), $1, 'engine', $2)",
            organization.id,
            "(415) 555-0100",
        )
    [group] = (await groups(services, organization))["duplicates"]
    assert made["id"] in {record["id"] for record in group["records"]}


async def test_a_change_of_something_else_puts_nothing_into_the_queue(
    services: AppServices, organization: TestOrganization
) -> None:
    made = await make_record(organization.client, "contacts", phone="4155550100")
    await groups(services, organization)
    await organization.client.patch(f"{CRM}/contacts/{made['id']}", json={"title": "CTO", "tags": ["a"]})
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval(WAITING, organization.id) == 0
    await organization.client.patch(f"{CRM}/contacts/{made['id']}", json={"phone": ""})
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval(WAITING, organization.id) == 1


async def test_a_deleted_record_is_compared_with_nothing(services: AppServices, organization: TestOrganization) -> None:
    made = await make_record(organization.client, "contacts", phone="4155550100")
    await groups(services, organization)
    await organization.client.delete(f"{CRM}/contacts/{made['id']}")
    await groups(services, organization)
    async with services.database.tenant(organization.id) as session:
        assert await session.fetchval(KEPT, organization.id, made["id"]) is None


async def test_an_older_state_never_overwrites_a_newer_one(
    services: AppServices, organization: TestOrganization
) -> None:
    """A comparison that was held up after it looked, and a later one that was not."""
    made = await make_record(organization.client, "contacts", phone="4155550100")
    others = [await make_record(organization.client, "contacts", phone="4155550101") for _ in range(15)]
    await groups(services, organization)
    database = services.database

    async def change(phone: str, *ids: str) -> None:
        async with database.tenant(organization.id) as session:
            await session.execute(
                "UPDATE contact SET phone = $3 WHERE organization_id = $1 AND id = ANY ($2::uuid[])",
                organization.id,
                list(ids),
                phone,
            )

    async def compare() -> None:
        async with database.tenant(organization.id) as session:
            await matching.catch_up(session, organization.id, RecordType.CONTACT)

    async def waiting(number: int) -> bool:
        async with database.tenant(organization.id) as session:
            return await session.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") == number

    held = [one["id"] for one in others]
    await change("4155550102", made["id"], *held)
    async with database.tenant(organization.id) as holding:
        await holding.execute(
            "SELECT FROM record_match WHERE organization_id = $1 AND record_id = ANY ($2::uuid[]) FOR UPDATE",
            organization.id,
            held,
        )
        first = asyncio.create_task(compare())
        await eventually(lambda: waiting(1))
        await change("4155550103", made["id"])
        second = asyncio.create_task(compare())
        await asyncio.wait([second], timeout=0.2)
    await asyncio.gather(first, second)
    async with database.tenant(organization.id) as session:
        kept, now = [await session.fetchval(sql, organization.id, made["id"]) for sql in (KEPT, NOW)]
    assert kept == now is not None
