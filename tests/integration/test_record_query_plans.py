"""Lists of records read what they show and little more, under the application's role, beside another organization's.

Counted are the rows that the whole request reads of the table, those inside functions and those filtered away included.
"""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from drippulse.crm.list_queries import NEAR
from drippulse.crm.listing import fields_of, sorts_of
from drippulse.crm.lists import page_of_records
from drippulse.crm.search import PROBED
from drippulse.crm.tables import RecordType
from drippulse.kit.filters import read_filters
from drippulse.kit.pagination import ListRequest, page_request
from drippulse.organizations import service as organizations
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world

CONTACT = RecordType.CONTACT
ROWS = 30_000
PAGE = 51
FILL = """INSERT INTO contact (id, organization_id, public_id, email, email_key, first_name, last_name, company,
  owner_id, tags, account_id, external_system, external_id)
SELECT (lpad(to_hex(1760000000000 + n), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid, $1,
  'cnt_' || n, 'p' || n || '@example.com', 'p' || n || '@example.com', 'First' || n % 97, 'Last' || n,
  'Company ' || n % 1000, CASE WHEN n % 1000 = 1 THEN 7 END,
  CASE WHEN n % 1000 = 2 THEN '{rare,common}' WHEN n % 3 = 0 THEN '{common}' ELSE '{}' END::text[],
  CASE WHEN n % 1000 = 3 THEN $3::uuid END, 'crm', n::text
FROM (SELECT n, md5(n || random()::text) AS h FROM generate_series(1, $2::int) AS n) AS person"""
ACCOUNT = """INSERT INTO account (id, organization_id, public_id, name)
VALUES (gen_random_uuid(), $1, 'acct_1', 'Acme') RETURNING id"""
READ = """SELECT coalesce(sum(seq_scan), 0)::int AS seq_scan,
  coalesce(sum(coalesce(idx_tup_fetch, 0) + seq_tup_read), 0)::int AS rows
FROM pg_stat_xact_user_tables WHERE relname = 'contact'"""
FEW = ROWS // 1000
LISTED: dict[str, tuple[dict[str, str], int]] = {
    "by id": ({"id": "{id}"}, 2),
    "by public id": ({"public_id": "cnt_20,cnt_30"}, 4),
    "by address": ({"email": "p77@example.com"}, 2),
    "by external id": ({"external_id": "99"}, 2),
    "by account": ({"account_id": "acct_1"}, 2 * FEW),
    "by owner": ({"owner_id": "7"}, 2 * FEW),
    "by a tag that few have": ({"tags": "rare"}, PROBED + 3 * FEW),
    "by a tag that many have": ({"tags": "common"}, PROBED + 12 * PAGE),
    "by a tag and more": ({"tags": "rare", "company[ne]": "x"}, PROBED + 4 * FEW),
}
SEARCHED: dict[str, tuple[str, int]] = {
    "an address": ("p77@example.com", PROBED + 20),
    "a name": ("first7 last104", PROBED + 20),
    "a rare beginning": ("last299", PROBED + 4 * PAGE),
    "a common beginning": ("last", PROBED + 4 * PAGE),
    "a common word and a rare one": ("company last2999", PROBED + 50),
    "a rare word and a common beginning": ("last2999 com", PROBED + 50),
    "nothing that anybody has": ("zzz", PROBED),
}


@pytest.fixture(scope="module")
async def filled(make_database: MakeDatabase) -> AsyncGenerator[World]:
    """Two organizations with the same names."""
    async with make_world(await make_database("record_plans")) as world:
        other = await organizations.create_organization(world.database, "Other")
        for organization_id in (other, world.organization_id):
            async with world.database.tenant(organization_id) as session:
                account = await session.fetchval(ACCOUNT, organization_id)
                await session.execute(FILL, organization_id, ROWS, account)
        owner = await asyncpg.connect(world.settings.database_owner_url)
        await owner.execute("ANALYZE contact; ANALYZE record_tally")
        await owner.close()
        yield world


def wanted(parameters: dict[str, str], q: str | None = None, **paging: Any) -> ListRequest:
    page = page_request(
        paging.get("page", None if "cursor" in paging else 1),
        PAGE - 1,
        paging.get("cursor"),
        sorts=sorts_of(CONTACT),
        key=UUID,
    )
    return ListRequest(page, q, read_filters(parameters, fields_of(CONTACT)))


async def rows_read(world: World, request: ListRequest) -> tuple[dict[str, Any], int]:
    """The answer, and how many rows of the table were read for it. No index at all: all rows of all organizations."""
    async with world.database.tenant(world.organization_id) as session:
        [before] = await session.fetch(READ)
        answer = await page_of_records(session, world.principal, CONTACT, request)
        [after] = await session.fetch(READ)
    return answer, 2 * ROWS * (after["seq_scan"] - before["seq_scan"]) + after["rows"] - before["rows"]


async def test_the_first_page_and_the_next_read_these_pages(filled: World) -> None:
    answer, read = await rows_read(filled, wanted({}))
    assert (answer["total_count"], len(answer["contacts"]), read) == (ROWS, PAGE - 1, PAGE)
    for _ in range(3):
        answer, read = await rows_read(filled, wanted({}, cursor=answer["next_cursor"]))
        assert len(answer["contacts"]) == PAGE - 1
        assert read <= PAGE + 1


@pytest.mark.parametrize(("parameters", "most"), LISTED.values(), ids=LISTED)
async def test_a_filter_with_an_index_reads_what_it_finds(parameters: dict[str, str], most: int, filled: World) -> None:
    newest = (await rows_read(filled, wanted({})))[0]["contacts"][0]
    request = wanted({name: value.format(**newest) for name, value in parameters.items()})
    answer, read = await rows_read(filled, request)
    assert answer["contacts"]
    assert read <= most


@pytest.mark.parametrize(("q", "most"), SEARCHED.values(), ids=SEARCHED)
async def test_a_search_reads_the_newest_and_what_it_finds(q: str, most: int, filled: World) -> None:
    answer, read = await rows_read(filled, wanted({}, q))
    assert bool(answer["contacts"]) is (q != "zzz")
    assert read <= most
    if answer["next_cursor"]:
        _, read = await rows_read(filled, wanted({}, q, cursor=answer["next_cursor"]))
        assert read <= most + NEAR + 3 * PAGE


async def test_words_are_looked_for_in_their_index(filled: World) -> None:
    """The functions are the one place where row-level security does not keep the index from being used."""
    owner = await asyncpg.connect(filled.settings.database_owner_url)
    try:
        await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(filled.organization_id))
        for body, argument, index in (
            ("r.search @@ to_tsquery('simple', $1)", "last2999", "contact_search"),
            ("array_prepend(r.organization_id::text, r.tags) && $1 AND r.tags <> '{}'", ["rare"], "contact_tagged"),
        ):
            sql = f"SELECT r.id FROM contact r WHERE {body} AND r.deleted_at IS NULL"
            plan = orjson.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", argument))
            assert index in orjson.dumps(plan).decode()
    finally:
        await owner.close()


async def test_the_counting_of_rows_finds_a_read_of_everything(filled: World) -> None:
    """A column without an index."""
    _, read = await rows_read(filled, wanted({"company": "nobody"}))
    assert read >= ROWS
