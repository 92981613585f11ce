"""Stored contacts, templates and the CRM step through the engine, looked at from the mail server and the tables."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from drippulse.crm import service as crm
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.schemas import ContactFields
from drippulse.crm.tables import RecordType
from drippulse.enrollments import contact_runs
from drippulse.events.service import SystemActor
from drippulse.kit.crypto import Vault
from drippulse.mail_templates import service as templates
from drippulse.mail_templates.schemas import TemplateTexts
from drippulse.workflows import service as workflows
from drippulse.workflows.nodes import service as nodes
from drippulse.workflows.nodes.service import Sent
from drippulse.workflows.schemas import WorkflowUpdate
from drippulse.workflows.steps.crm_writes import Write, perform
from tests.conftest import MakeDatabase
from tests.support.world import World, make_world, step

Json = dict[str, Any]


class Sleeper:
    """A waker for nobody: these tests drain by themselves."""

    async def wake(self) -> None:
        return


@pytest.fixture(scope="module")
async def world(make_database: MakeDatabase) -> AsyncGenerator[World]:
    async with make_world(await make_database("contact_runs")) as made:
        yield made


@pytest.fixture(autouse=True)
async def _clean(world: World) -> None:
    await world.cancel_all()
    world.sink.ledger.clear()


async def contact(world: World, email: str, **fields: Any) -> str:
    async with world.database.tenant(world.organization_id) as session:
        data = ContactFields(email=email, **fields)
        row = await crm.create_record(session, world.principal, RecordType.CONTACT, data)
    return str(row["public_id"])


async def template(world: World, **texts: Any) -> int:
    values: dict[str, Any] = {"name": "T", "subject": "S", "body": "B", "html": None, "sender": None, **texts}
    given = TemplateTexts(**values)
    async with world.database.tenant(world.organization_id) as session:
        return int((await templates.create_template(session, world.principal, given))["id"])


async def workflow(world: World, *given: Json, **fields: Any) -> int:
    sent = Sent({"name": "W", "status": "active"}, {"nodes": list(given), **fields})
    async with world.database.tenant(world.organization_id) as session:
        return await nodes.create_nodes(session, world.principal, Vault.of(world.settings), sent)


async def enroll(world: World, workflow_id: int, *contacts: str, **variables: Any) -> list[int]:
    async with world.database.tenant(world.organization_id) as session:
        outcomes = await contact_runs.enroll_contacts(
            session, world.principal, Sleeper(), workflow_id, contacts, variables
        )
    assert all(outcome.error is None for outcome in outcomes), outcomes
    return [outcome.enrollment_id or 0 for outcome in outcomes]


def sent(world: World) -> list[Any]:
    return sorted((taken.message for taken in world.sink.ledger), key=lambda message: str(message["To"]))


async def test_a_mail_has_the_template_the_variables_and_the_contacts_attributes(world: World) -> None:
    body = "Your {{ vars.hook }}, {{ contact.attributes.city }}, {{ contact.firstName }} {{ contact.last_name }}"
    number = await template(world, subject="Hi {{ first_name }}", body=body, sender="Ana <ana@example.com>")
    made = await workflow(world, {"id": "m", "type": "send_email", "templateId": number}, optOutMode="reply")
    who = await contact(world, "t1@example.com", first_name="Ada", last_name="L", attributes={"city": "Turin"})
    [run] = await enroll(world, made, who, hook="Series A")
    await world.drain()
    [mail] = sent(world)
    assert (mail["Subject"], mail["From"]) == ("Hi Ada", "Ana <ana@example.com>")
    text = mail.get_body(("plain",)).get_content()
    assert "Your Series A, Turin, Ada L" in text
    assert 'reply with "unsubscribe"' in text
    assert "http" not in text
    assert mail["List-Unsubscribe"]
    assert (await world.row(run))["status"] == "completed"


async def test_only_the_header_tells_how_to_unsubscribe_when_that_is_wanted(world: World) -> None:
    mail_node = {"id": "m", "type": "send_email", "subject": "S", "body": "Text", "html": "<p>Text</p>"}
    made = await workflow(world, mail_node, optOutMode="header_only")
    await enroll(world, made, await contact(world, "t2@example.com"))
    await world.drain()
    [mail] = sent(world)
    parts = [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]
    assert all("nsubscribe" not in part for part in parts)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_changed_template_reaches_a_workflow_when_it_is_saved_again(world: World) -> None:
    number = await template(world, subject="Old")
    made = await workflow(world, {"id": "m", "type": "send_email", "templateId": number})
    async with world.database.tenant(world.organization_id) as session:
        await templates.update_template(session, world.principal, number, {"subject": "New"})
    await enroll(world, made, await contact(world, "t3a@example.com"))
    async with world.database.tenant(world.organization_id) as session:
        row = await workflows.require_workflow(session, world.principal, made)
        data = WorkflowUpdate.model_validate({"steps": orjson.loads(row["steps"])})
        changed = await workflows.update_workflow(session, world.principal, Vault.of(world.settings), made, data)
    assert changed["version"] == 2
    await enroll(world, made, await contact(world, "t3b@example.com"))
    await world.drain()
    assert [mail["Subject"] for mail in sent(world)] == ["Old", "New"]


async def test_an_ab_test_sends_one_of_its_templates_and_the_rest_goes_on(world: World) -> None:
    numbers = [await template(world, subject=name) for name in ("A", "B")]
    variants = [{"id": name, "templateId": number} for name, number in zip("ab", numbers, strict=True)]
    made = await workflow(
        world,
        {"id": "t", "type": "ab_test", "variants": variants, "nextNodeId": "m"},
        {"id": "m", "type": "send_email", "inboxIds": ["x@example.com", "y@example.com"], "nextNodeId": "e"},
        {"id": "e", "type": "exit", "reason": "all done"},
    )
    people = [await contact(world, f"t4-{number}@example.com") for number in range(12)]
    runs = await enroll(world, made, *people)
    await world.drain()
    assert {mail["Subject"] for mail in sent(world)} == {"A", "B"}
    assert {mail["From"].addresses[0].addr_spec for mail in sent(world)} == {"x@example.com", "y@example.com"}
    assert len(sent(world)) == len(people)
    assert {(await world.row(run))["exit_reason"] for run in runs} == {"all done"}


async def test_a_paused_node_holds_who_comes_to_it_until_it_is_let_go(world: World) -> None:
    made = await workflow(world, {"id": "m", "type": "send_email", "subject": "S", "body": "B"}, pausedNodeIds=["m"])
    [run] = await enroll(world, made, await contact(world, "t5@example.com"))
    await world.drain()
    assert (sent(world), (await world.row(run))["status"]) == ([], "active")
    async with world.database.tenant(world.organization_id) as session:
        await nodes.update_nodes(
            session, world.principal, Vault.of(world.settings), made, Sent({}, {"pausedNodeIds": []})
        )
    await world.drain()
    assert len(sent(world)) == 1


async def test_the_crm_step_writes_once_and_answers_the_record(world: World) -> None:
    fields = {"first_name": "{{ first_name | upcase }}", "attributes.plan": "pro", "tags": "a, b"}
    made = await world.workflow(step("crm", action="upsert", record_type="lead", fields={**fields, "score": "{{ n }}"}))
    people = [{"email": "lead@example.com", "first_name": "Ada", "n": 7}, {"email": "LEAD@example.com", "n": 8.5}]
    first, second = await world.enroll(made, *people)
    await world.drain()
    rows = await world.sql("SELECT * FROM lead WHERE email_key = 'lead@example.com'")
    assert len(rows) == 1
    assert (rows[0]["tags"], orjson.loads(rows[0]["attributes"])) == (["a", "b"], {"plan": "pro"})
    records = [orjson.loads((await world.row(run))["bag"])["record"] for run in (first, second)]
    assert {record["public_id"] for record in records} == {rows[0]["public_id"]}
    assert sorted(record["created"] for record in records) == [False, True]
    events = await world.sql("SELECT type, actor_type FROM event WHERE record_type = 'lead' ORDER BY id")
    assert {(event["type"], event["actor_type"]) for event in events} == {
        ("lead.created", "workflow"),
        ("lead.updated", "workflow"),
        ("lead.scored", "workflow"),
    }


async def test_a_crm_step_that_cannot_write_fails_its_run_and_leaves_nothing(world: World) -> None:
    update = await world.workflow(step("crm", action="update", fields={"company": "X"}))
    create = await world.workflow(step("crm", action="create", fields={"email": "not an address"}))
    score = await world.workflow(step("crm", action="create", record_type="lead", fields={"score": "much"}))
    runs = [(await world.enroll(made, {"email": "nobody@example.com"}))[0] for made in (update, create, score)]
    await world.drain()
    codes = [(await world.error(run))["code"] for run in runs]
    assert codes == ["record_not_found", "invalid_email", "invalid_field"]
    assert await world.sql("SELECT FROM contact WHERE email = 'nobody@example.com'") == []


async def test_the_crm_step_finds_the_contact_that_is_enrolled(world: World) -> None:
    who = await contact(world, "t6@example.com", attributes={"kept": 1})
    made = await world.workflow(step("crm", action="update", fields={"company": "Acme", "attributes.plan": "pro"}))
    await enroll(world, made, who)
    await world.drain()
    [row] = await world.sql("SELECT company, attributes FROM contact WHERE public_id = $1", who)
    assert (row["company"], orjson.loads(row["attributes"])) == ("Acme", {"kept": 1, "plan": "pro"})


async def test_upserts_of_one_address_at_the_same_time_make_one_record(world: World) -> None:
    async def upsert(number: int) -> bool:
        async with world.database.tenant(world.organization_id) as session:
            data = ContactFields(email="race@example.com", company=str(number))
            write = Write("upsert", RecordType.CONTACT, ("race@example.com",), data, data)
            actor = SystemActor(world.organization_id)
            return (await perform(session, actor, OpenChangeset(Source.WORKFLOW), write)).created

    made = await asyncio.gather(*(upsert(number) for number in range(6)))
    assert sorted(made) == [False] * 5 + [True]
    assert len(await world.sql("SELECT FROM contact WHERE email_key = 'race@example.com'")) == 1
