"""The row sink: what is stored of rows, with its audit and its events, also while others write the same records."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import asyncpg
import orjson
import pytest

from drippulse.crm import service
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.importing import writer
from drippulse.crm.importing.sink import DedupeBy, OnExisting, Outcome, RecordSink, Target, Written
from drippulse.crm.importing.trying import try_portion
from drippulse.crm.schemas import ContactFields
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor
from drippulse.kit.db import Database, Record
from drippulse.organizations import service as organizations
from drippulse.settings import Settings
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually

ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM contact"
Rows = Sequence[Mapping[str, Any]]
CONTACT, LEAD, OPPORTUNITY = RecordType.CONTACT, RecordType.LEAD, RecordType.OPPORTUNITY


class Place:
    """An organization to write rows to."""

    def __init__(self, database: Database, organization_id: int) -> None:
        self.database = database
        self.actor = SystemActor(organization_id, "import", 7)

    def target(self, kind: RecordType = CONTACT, **changes: Any) -> Target:
        quiet = changes.pop("quiet", False)
        return Target(kind, self.actor, OpenChangeset(Source.IMPORT, "people.csv", quiet=quiet), **changes)

    async def write(self, rows: Rows, kind: RecordType = CONTACT, **changes: Any) -> Written:
        async with self.database.tenant(self.actor.organization_id) as session:
            sink = await RecordSink.open(session, self.target(kind, **changes))
            return await sink.write(session, sink.read(list(enumerate(rows, 1))))

    async def sql(self, statement: str) -> list[Record]:
        async with self.database.tenant(self.actor.organization_id) as session:
            return await session.fetch(statement)


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncGenerator[Database]:
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def place(database: Database) -> Place:
    return Place(database, await organizations.create_organization(database, secrets.token_hex(8)))


async def test_a_creation_leaves_an_audit_row_without_values_and_an_event(place: Place) -> None:
    written = await place.write([{"email": "Ada@Example.com", "first_name": "Ada", "tags": ["a"], "attributes.x": 1}])
    assert written.outcomes == [Outcome.CREATED]
    [row] = await place.sql("SELECT * FROM contact")
    assert (row["email"], row["email_key"], row["tags"]) == ("Ada@example.com", "ada@example.com", ["a"])
    assert orjson.loads(row["attributes"]) == {"x": 1}
    [change] = await place.sql(
        "SELECT e.*, s.source, s.label FROM change_event e JOIN changeset s ON s.id = changeset_id"
    )
    assert (change["action"], change["before"], change["after"]) == ("create", None, None)
    assert (change["record_id"], change["record_public_id"]) == (row["id"], row["public_id"])
    assert (change["actor_type"], change["actor_id"]) == ("import", 7)
    assert (change["source"], change["label"]) == ("import", "people.csv")
    [event] = await place.sql("SELECT * FROM event")
    assert (event["type"], event["record_id"], event["key"]) == ("contact.created", str(row["id"]), row["email_key"])
    assert orjson.loads(event["data"]) == {"public_id": row["public_id"], "email": row["email"]}


async def test_the_audit_and_events_of_an_update_are_those_of_a_single_change(place: Place) -> None:
    """The service that single changes go through is the model."""
    start = {"email": "ada@example.com", "first_name": "Ada", "attributes": {"a": 1}, "tags": ["x"]}
    change = {"email": "ADA@example.com", "title": "Countess", "attributes.b": 2, "tags": "x,y"}
    fields = ContactFields.model_validate(start)
    other = Place(place.database, await organizations.create_organization(place.database, secrets.token_hex(8)))
    for one in (place, other):
        async with one.database.tenant(one.actor.organization_id) as session:
            await service.create_record(session, one.actor, CONTACT, fields)
    await place.write([change])
    async with other.database.tenant(other.actor.organization_id) as session:
        [found] = await session.fetch("SELECT id FROM contact")
        row = await service.get_record(session, other.actor, CONTACT, str(found["id"]))
        values = {"email": "ADA@example.com", "title": "Countess", "attributes": {"b": 2}, "tags": ["x", "y"]}
        await service.patch_record(session, other.actor, CONTACT, row, ContactFields.model_validate(values))
    mine, model = [await _last_change(one) for one in (place, other)]
    assert mine == model
    assert set(mine["changed"]) == {"attributes", "email", "tags", "title"}


async def test_a_changed_score_is_told(place: Place) -> None:
    await place.write([{"email": "a@example.com", "score": 0.5}], LEAD)
    await place.write([{"email": "a@example.com", "score": 0.75}], LEAD)
    [event] = await place.sql("SELECT data FROM event WHERE type = 'lead.scored'")
    assert orjson.loads(event["data"]).items() >= {"before": 0.5, "score": 0.75, "email": "a@example.com"}.items()


async def test_nobody_hears_of_quiet_rows(place: Place) -> None:
    for title in ("", "Countess"):
        await place.write([{"email": "a@example.com", "title": title}], quiet=True)
    assert await place.sql("SELECT 1 FROM event") == []
    assert len(await place.sql("SELECT 1 FROM change_event")) == 2


async def test_values_of_every_kind_come_back_from_the_audit_as_answers_have_them(place: Place) -> None:
    first = {"external_system": "s", "external_id": "1", "subject": "x", "occurred_at": "2026-01-01", "due_at": ""}
    await place.write([first], RecordType.ACTIVITY)
    await place.write(
        [{**first, "occurred_at": "2026-01-01T10:00:00+02:00", "duration_minutes": 5}], RecordType.ACTIVITY
    )
    [change] = await place.sql("SELECT before, after FROM change_event WHERE action = 'update'")
    assert orjson.loads(change["before"]) == {"occurred_at": "2026-01-01T00:00:00.000Z", "duration_minutes": None}
    assert orjson.loads(change["after"]) == {"occurred_at": "2026-01-01T08:00:00.000Z", "duration_minutes": 5}
    account = {"external_system": "s", "external_id": "1", "name": "Acme", "annual_revenue": "10.50"}
    await place.write([account], RecordType.ACCOUNT)
    await place.write([{**account, "annual_revenue": 4800}], RecordType.ACCOUNT)
    [change] = await place.sql("SELECT after FROM change_event WHERE action = 'update' AND record_type = 'account'")
    assert change["after"] == '{"annual_revenue": 4800}'


async def test_what_a_new_record_needs_is_not_needed_by_one_that_exists(place: Place) -> None:
    key = {"external_system": "s", "external_id": "1"}
    missing = await place.write([{**key, "industry": "SaaS"}], RecordType.ACCOUNT)
    assert (missing.outcomes, missing.problems[0].message) == ([Outcome.FAILED], "A new account needs name.")
    await place.write([{**key, "name": "Acme"}], RecordType.ACCOUNT)
    assert (await place.write([{**key, "industry": "SaaS"}], RecordType.ACCOUNT)).outcomes == [Outcome.UPDATED]


async def test_rows_that_mean_one_record_by_different_ids_both_change_it(place: Place) -> None:
    await place.write([{"email": "a@example.com", "external_system": "s", "external_id": "1"}])
    by_both: Rows = [
        {"email": "a@example.com", "title": "Countess"},
        {"external_system": "s", "external_id": "1", "company": "Acme"},
    ]
    assert (await place.write(by_both)).outcomes == [Outcome.UPDATED, Outcome.UPDATED]
    [row] = await place.sql("SELECT title, company FROM contact")
    assert tuple(row.values()) == ("Countess", "Acme")


async def test_an_address_that_another_one_has_is_that_rows_problem(place: Place) -> None:
    key = {"external_system": "s"}
    await place.write([{**key, "external_id": "1", "email": "a@example.com"}, {"email": "b@example.com"}])
    rows: Rows = [
        {**key, "external_id": "1", "email": "b@example.com"},
        {**key, "external_id": "2", "email": "c@example.com"},
        {**key, "external_id": "3", "email": "c@example.com"},
    ]
    written = await place.write(rows, dedupe_by=(DedupeBy.EXTERNAL_ID,))
    assert written.outcomes == [Outcome.FAILED, Outcome.CREATED, Outcome.FAILED]
    assert [one.column for one in written.problems] == ["email", "email"]


async def test_two_who_write_the_same_new_people_make_each_of_them_once(place: Place) -> None:
    rows = [{"email": f"p{number}@example.com", "title": "x"} for number in range(300)]
    reverse = [{**row, "title": "y"} for row in reversed(rows)]
    both = await asyncio.gather(place.write(rows), place.write(reverse))
    assert len(await place.sql("SELECT 1 FROM contact")) == 300
    assert sum(one.counts.get(Outcome.CREATED, 0) for one in both) == 300
    assert not [problem for one in both for problem in one.problems]
    assert len(await place.sql("SELECT 1 FROM change_event WHERE action = 'create'")) == 300
    assert len(await place.sql("SELECT 1 FROM event WHERE type = 'contact.created'")) == 300


async def test_someone_created_between_looking_twice_is_updated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the search for records that exist, before that for addresses that others have."""
    match = writer._Step.match  # pyright: ignore[reportPrivateUsage]

    async def and_then_another_writes(step: Any) -> list[int]:
        again = await match(step)
        monkeypatch.undo()
        await place.write([{"email": "ada@example.com", "title": "Countess"}])
        return again

    monkeypatch.setattr(writer._Step, "match", and_then_another_writes)  # pyright: ignore[reportPrivateUsage]
    written = await place.write([{"email": "ada@example.com", "title": "x"}])
    assert (written.outcomes, list(written.problems)) == ([Outcome.UPDATED], [])
    assert [row["title"] for row in await place.sql("SELECT title FROM contact")] == ["x"]


async def _estimate(place: Place) -> int:
    """How many rows PostgreSQL expects an organization to have: a two-hundredth as long as it knows nothing."""
    [plan] = await place.sql(ESTIMATE)
    return int(orjson.loads(plan["QUERY PLAN"])[0]["Plan"]["Plan Rows"])


async def test_a_table_that_grew_is_analysed_after_a_portion_that_was_taken_back(make_database: MakeDatabase) -> None:
    settings = await make_database("sink_statistics")
    database = Database(settings)
    await database.open()
    owner = await asyncpg.connect(settings.database_owner_url)
    try:
        place = Place(database, await organizations.create_organization(database, "Statistics"))
        await owner.execute("ALTER TABLE contact SET (autovacuum_enabled = false)")
        await place.write([{"email": f"p{number}@example.com"} for number in range(3_000)])
        assert await _estimate(place) < 1_000
        async with database.tenant(place.actor.organization_id) as session:
            sink = await RecordSink.open(session, place.target())
            tried = await try_portion(session, sink, sink.read([(1, {"email": "ada@example.com"})]))
        assert tried.written.outcomes == [Outcome.CREATED]
        await sink.prepare(database)
        assert await _estimate(place) > 2_000
    finally:
        await owner.close()
        await database.close()


async def test_someone_created_between_looking_and_writing_is_updated(place: Place) -> None:
    organization_id = place.actor.organization_id
    async with place.database.tenant(organization_id) as session:
        fields = ContactFields.model_validate({"email": "ada@example.com"})
        await service.create_record(session, place.actor, CONTACT, fields)
        waiting = asyncio.create_task(place.write([{"email": "ada@example.com", "title": "Countess"}]))
        await eventually(lambda: _waits_for_lock(place))
    written = await waiting
    assert written.outcomes == [Outcome.UPDATED]
    assert (await place.sql("SELECT title FROM contact"))[0]["title"] == "Countess"


async def test_someone_deleted_between_looking_and_writing_is_created_anew(place: Place) -> None:
    await place.write([{"email": "ada@example.com"}])
    organization_id = place.actor.organization_id
    async with place.database.tenant(organization_id) as session:
        [row] = await session.fetch("SELECT id FROM contact")
        await service.delete_record(session, place.actor, CONTACT, str(row["id"]))
        waiting = asyncio.create_task(place.write([{"email": "ada@example.com", "title": "Countess"}]))
        await eventually(lambda: _waits_for_lock(place))
    assert (await waiting).outcomes == [Outcome.CREATED]
    rows = await place.sql("SELECT title FROM contact WHERE deleted_at IS NULL")
    assert [row["title"] for row in rows] == ["Countess"]


async def test_what_the_database_refuses_is_one_rows_problem(make_database: MakeDatabase) -> None:
    settings = await make_database("sink_refusals")
    owner = await asyncpg.connect(settings.database_owner_url)
    await owner.execute("ALTER TABLE contact ADD CHECK (first_name <> 'poison')")
    await owner.close()
    database = Database(settings)
    await database.open()
    try:
        place = Place(database, await organizations.create_organization(database, "Refusals"))
        rows = [{"email": f"p{number}@example.com", "first_name": "Ada"} for number in range(20)]
        rows[7]["first_name"] = rows[13]["first_name"] = "poison"
        written = await place.write(rows)
        assert [one.row for one in written.problems] == [8, 14]
        assert written.counts == {Outcome.CREATED: 18, Outcome.FAILED: 2}
        assert len(await place.sql("SELECT 1 FROM contact")) == 18
        assert len(await place.sql("SELECT 1 FROM event")) == 18
    finally:
        await database.close()


async def test_special_characters_survive(place: Place) -> None:
    odd = 'tab\tnewline\nreturn\rback\\slash "quote" {brace} \\N NULL ½ 李 😀'
    await place.write([{"email": "a@example.com", "description": odd, "tags": ['a"b\\c'], "attributes.k": odd}])
    [row] = await place.sql("SELECT description, tags, attributes FROM contact")
    assert (row["description"], row["tags"], orjson.loads(row["attributes"])) == (odd, ['a"b\\c'], {"k": odd})


async def test_opportunities_go_to_their_stage_one_by_one(place: Place) -> None:
    key = {"external_system": "s", "external_id": "1"}
    assert (await place.write([{**key, "name": "Deal", "status": "won"}], OPPORTUNITY)).outcomes == [Outcome.CREATED]
    again: Rows = [{**key, "amount": "1,200.50"}, {**key, "amount": "1200.5"}, {"name": "", "amount": "5"}]
    written = await place.write(again, OPPORTUNITY)
    assert written.outcomes == [Outcome.UPDATED, Outcome.DUPLICATE, Outcome.FAILED]
    assert (await place.write([{**key, "amount": "1200.5"}], OPPORTUNITY)).outcomes == [Outcome.UNCHANGED]
    skipped = await place.write([{**key, "amount": "1"}], OPPORTUNITY, on_existing=OnExisting.SKIP)
    assert skipped.outcomes == [Outcome.SKIPPED]
    [row] = await place.sql("SELECT status, amount, closed_at FROM opportunity")
    assert (row["status"], float(row["amount"])) == ("won", 1200.5)
    assert row["closed_at"] is not None


async def test_portions_of_one_run_are_one_changeset(place: Place) -> None:
    async with place.database.tenant(place.actor.organization_id) as session:
        sink = await RecordSink.open(session, place.target())
    for number in range(3):
        async with place.database.tenant(place.actor.organization_id) as session:
            await sink.write(session, sink.read([(number, {"email": f"p{number}@example.com"})]))
    rows = await place.sql("SELECT DISTINCT changeset_id FROM change_event")
    assert [row["changeset_id"] for row in rows] == [sink.target.changeset.id]
    assert len(await place.sql("SELECT 1 FROM changeset")) == 1


async def _last_change(place: Place) -> dict[str, Any]:
    [change] = await place.sql("SELECT before, after FROM change_event WHERE action = 'update'")
    [event] = await place.sql("SELECT data, key FROM event WHERE type = 'contact.updated'")
    data = orjson.loads(event["data"])
    del data["public_id"]
    before, after = orjson.loads(change["before"]), orjson.loads(change["after"])
    return {"before": before, "after": after, "data": data, "key": event["key"], "changed": data["changed_fields"]}


async def _waits_for_lock(place: Place) -> bool:
    rows = await place.database.pool.fetch("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
    return bool(rows)
