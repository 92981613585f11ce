"""The `crm` step: activities on whoever the run is about, moves of opportunities, records of every type."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.crm import service as crm
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Record
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

DEALS = "SELECT o.*, s.name AS stage FROM opportunity o JOIN pipeline_stage s ON s.id = o.pipeline_stage_id"
CHANGES = """SELECT c.source, c.label, e.action FROM changeset c JOIN change_event e ON e.changeset_id = c.id
  WHERE e.record_public_id = $1 ORDER BY e.id"""


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("crm_step")) as made:
        yield made


async def record(world: World, kind: RecordType, **fields: Any) -> Record:
    async with world.database.tenant(world.organization_id) as session:
        data = SPECS[kind].fields.model_validate(fields)
        return await crm.create_record(session, world.principal, kind, data)


async def run(world: World, contact: dict[str, Any], **config: Any) -> int:
    made = await world.workflow(step("crm", **config))
    [enrollment] = await world.enroll(made, contact)
    await world.drain()
    return enrollment


async def said(world: World, enrollment: int) -> dict[str, Any]:
    return orjson.loads((await world.row(enrollment))["bag"])["record"]


@pytest.mark.parametrize("kind", [RecordType.CONTACT, RecordType.LEAD])
async def test_an_activity_is_added_to_whom_the_run_is_about(world: World, kind: RecordType) -> None:
    who = await record(world, kind, email=f"about-{kind.value}@example.com")
    fields = {
        "type": "call",
        "subject": "Call {{ first_name }}",
        "duration_minutes": "{{ minutes }}",
        "attributes.a": 1,
    }
    contact = {"email": who["email"], "first_name": "Ada", "minutes": 15}
    enrollment = await run(world, contact, action="add_activity", fields=fields)
    told = await said(world, enrollment)
    assert (told["record_type"], told["created"]) == ("activity", True)
    [made] = await world.sql(f"SELECT * FROM activity WHERE {kind.value}_id = $1", who["id"])
    assert (made["public_id"], made["type"], made["subject"]) == (told["public_id"], "call", "Call Ada")
    assert (made["duration_minutes"], orjson.loads(made["attributes"])) == (15, {"a": 1})
    [change] = await world.sql(CHANGES, made["public_id"])
    assert (change["source"], change["action"]) == ("workflow", "create")
    assert change["label"] == f"Step crm of enrollment {enrollment}"


async def test_an_activity_goes_to_another_record_that_is_named(world: World) -> None:
    deal = await record(world, RecordType.OPPORTUNITY, name="Deal")
    config = {"action": "add_activity", "record_type": "opportunity", "ref": "{{ deal }}"}
    await run(world, {"email": "a@example.com", "deal": deal["public_id"]}, **config, fields={"body": "Seen"})
    [made] = await world.sql("SELECT * FROM activity WHERE opportunity_id = $1", deal["id"])
    assert (made["type"], made["body"], made["contact_id"]) == ("note", "Seen", None)


@pytest.mark.parametrize(
    ("stage", "pipeline"), [("proposal", None), ("Proposal", "sales Pipeline"), ("id", None), ("public_id", None)]
)
async def test_an_opportunity_moves_to_a_stage_by_name_or_id(world: World, stage: str, pipeline: str | None) -> None:
    deal = await record(world, RecordType.OPPORTUNITY, name="Deal")
    [target] = await world.sql(
        "SELECT id::text, public_id FROM pipeline_stage WHERE pipeline_id = $1 AND name = 'Proposal'",
        deal["pipeline_id"],
    )
    contact = {"email": "a@example.com", "deal": str(deal["id"]), "stage": dict(target).get(stage, stage)}
    config = {"action": "move_stage", "ref": "{{ deal }}", "stage": "{{ stage }}", "pipeline": pipeline}
    enrollment = await run(world, contact, **config)
    [moved] = await world.sql(f"{DEALS} WHERE o.id = $1", deal["id"])
    assert (moved["stage"], moved["status"]) == ("Proposal", "open")
    assert (await said(world, enrollment))["public_id"] == deal["public_id"]
    assert [change["action"] for change in await world.sql(CHANGES, deal["public_id"])] == ["create", "update"]
    told = await world.sql("SELECT type FROM event WHERE record_id = $1 ORDER BY id", str(deal["id"]))
    assert "opportunity.stage_changed" in [event["type"] for event in told]


async def test_moving_to_where_it_is_already_changes_nothing(world: World) -> None:
    deal = await record(world, RecordType.OPPORTUNITY, name="Deal", status="won")
    await run(world, {"email": "a@example.com"}, action="move_stage", ref=deal["public_id"], stage="Won")
    [same] = await world.sql("SELECT * FROM opportunity WHERE id = $1", deal["id"])
    assert (same["updated_at"], same["closed_at"]) == (deal["updated_at"], deal["closed_at"])


@pytest.mark.parametrize(
    ("config", "code", "word"),
    [
        ({"action": "move_stage", "ref": "opp_none", "stage": "Won"}, "record_not_found", "opportunity"),
        ({"action": "move_stage", "ref": "{{ deal }}", "stage": "Wonn"}, "stage_not_found", "Negotiation"),
        ({"action": "move_stage", "ref": "{{ deal }}", "stage": "Won", "pipeline": "Nope"}, "stage_not_found", "Nope"),
        ({"action": "add_activity"}, "record_not_found", "contact or lead"),
        ({"action": "add_activity", "fields": {"type": "fax"}}, "invalid_field", "type"),
        ({"action": "create", "record_type": "account"}, "invalid_field", "name"),
    ],
)
async def test_what_cannot_be_done_fails_the_step_and_leaves_nothing(
    world: World, config: dict[str, Any], code: str, word: str
) -> None:
    deal = await record(world, RecordType.OPPORTUNITY, name="Deal")
    before = await world.sql("SELECT count(*) FROM change_event")
    enrollment = await run(world, {"email": "stranger@example.com", "deal": deal["public_id"]}, **config)
    error = await world.error(enrollment)
    assert error["code"] == code
    assert word in error["message"]
    assert await world.sql("SELECT count(*) FROM change_event") == before


async def test_records_of_every_type_are_created_and_updated(world: World) -> None:
    fields: dict[str, dict[str, Any]] = {
        "account": {"name": "Acme {{ n }}", "employee_count": "{{ n }}"},
        "opportunity": {"name": "Seats", "amount": "{{ n }}.5", "expected_close_date": "2026-12-31"},
        "activity": {"type": "task", "subject": "Call back", "due_at": "2026-12-31T09:00:00Z"},
    }
    for kind, values in fields.items():
        enrollment = await run(
            world, {"email": "a@example.com", "n": 7}, action="create", record_type=kind, fields=values
        )
        made = await said(world, enrollment)
        config = {"action": "update", "record_type": kind, "ref": made["public_id"], "fields": {"tags": "a, b"}}
        again = await said(world, await run(world, {"email": "a@example.com"}, **config))
        assert again == {**made, "created": False}
        [row] = await world.sql(f"SELECT * FROM {kind} WHERE public_id = $1", made["public_id"])
        assert row["tags"] == ["a", "b"]
    [account] = await world.sql("SELECT name, employee_count FROM account")
    assert (account["name"], account["employee_count"]) == ("Acme 7", 7)
    [deal] = await world.sql("SELECT amount FROM opportunity WHERE name = 'Seats'")
    assert float(deal["amount"]) == 7.5
