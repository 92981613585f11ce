"""Importing files into collections, over REST."""

import csv
import io
from typing import Any

import httpx
import orjson
import pytest

from drippulse.crm.importing.runner import run_next
from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.workbooks import plain_workbook

CRM = "/api/v1/crm"
PEOPLE = "E-Mail,Vorname,Nachname,Firma\nada@example.com,Ada,Lovelace,Acme\ngrace@example.com,Grace,Hopper,Navy\n"


async def send(
    client: httpx.AsyncClient, content: str | bytes, plural: str = "contacts", name: str = "people.csv", **fields: Any
) -> httpx.Response:
    data = {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in fields.items()}
    raw = content.encode() if isinstance(content, str) else content
    return await client.post(f"{CRM}/{plural}/import_csv", files={"file": (name, raw)}, data=data)


async def carry_out(services: AppServices, **changes: Any) -> None:
    while await run_next(services.database, **changes):
        pass


async def imported(
    client: httpx.AsyncClient, services: AppServices, content: str | bytes, plural: str = "contacts", **fields: Any
) -> dict[str, Any]:
    answer = await send(client, content, plural, **fields)
    assert answer.status_code == 202, answer.text
    await carry_out(services)
    return (await client.get(f"{CRM}/imports/{answer.json()['id']}")).json()


async def records(client: httpx.AsyncClient, plural: str = "contacts") -> list[dict[str, Any]]:
    return (await client.get(f"{CRM}/{plural}")).json()[plural]


async def errors(client: httpx.AsyncClient, done: dict[str, Any]) -> list[dict[str, str]]:
    answer = await client.get(f"{CRM}/imports/{done['id']}/errors.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def counted(done: dict[str, Any]) -> dict[str, int]:
    return {name: number for name, number in done["counts"].items() if number}


async def test_a_file_becomes_contacts(client: httpx.AsyncClient, services: AppServices) -> None:
    answer = await send(client, PEOPLE)
    assert answer.status_code == 202, answer.text
    waiting = answer.json()
    assert (waiting["status"], waiting["file_name"], waiting["bytes"]) == ("queued", "people.csv", len(PEOPLE))
    assert waiting["mapping"] == {
        "E-Mail": "email",
        "Vorname": "first_name",
        "Nachname": "last_name",
        "Firma": "company",
    }
    await carry_out(services)
    done = (await client.get(waiting["links"]["self"])).json()
    assert (done["status"], counted(done)) == ("completed", {"rows": 2, "created": 2})
    assert done["progress"] == {"bytes_done": len(PEOPLE), "percent": 100}
    found = {one["email"]: one for one in await records(client)}
    assert found["ada@example.com"].items() >= {"first_name": "Ada", "last_name": "Lovelace", "company": "Acme"}.items()
    assert found["ada@example.com"]["public_id"].startswith("cnt_")
    assert (await client.get(f"{CRM}/contacts/{found['ada@example.com']['public_id']}")).status_code == 200


async def test_a_second_import_changes_what_differs_and_nothing_else(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    await imported(client, services, PEOPLE)
    again = PEOPLE.replace("Acme", "Analytical Engines").replace("Ada,", ",")
    done = await imported(client, services, again, tags="vip")
    assert counted(done) == {"rows": 2, "updated": 2}
    ada = next(one for one in await records(client) if one["email"] == "ada@example.com")
    assert (ada["first_name"], ada["company"], ada["tags"]) == ("Ada", "Analytical Engines", ["vip"])
    assert counted(await imported(client, services, again, tags="vip")) == {"rows": 2, "unchanged": 2}


@pytest.mark.parametrize(("how", "outcome"), [("skip", "skipped"), ("fail", "failed")])
async def test_what_exists_is_skipped_or_refused_where_that_is_wanted(
    client: httpx.AsyncClient, services: AppServices, how: str, outcome: str
) -> None:
    await imported(client, services, PEOPLE)
    done = await imported(client, services, PEOPLE.replace("Acme", "Other") + "new@example.com,,,\n", on_existing=how)
    assert counted(done) == {"rows": 3, "created": 1, outcome: 2}
    assert {one["company"] for one in await records(client)} == {"Acme", "Navy", ""}


@pytest.mark.parametrize("plural", ["accounts", "contacts", "leads", "opportunities", "activities"])
async def test_every_collection_takes_files(client: httpx.AsyncClient, services: AppServices, plural: str) -> None:
    files = {
        "accounts": "Name;Domain;Employees;Revenue\nAcme;acme.example;1.200;1.200,50 €\n",
        "contacts": PEOPLE,
        "leads": "Email,Score,Status\na@example.com,0.75,working\n",
        "opportunities": 'Deal Name,Amount,Close Date\n20 seats,"4,800.00",2026-12-31\n',
        "activities": "Type,Subject,Date\ncall,First call,2026-03-31 09:00\n",
    }
    done = await imported(client, services, files[plural], plural)
    assert done["status"] == "completed", done
    assert done["counts"]["created"] >= 1, done
    [made, *_] = await records(client, plural)
    shown = {
        "accounts": {"annual_revenue": 1200.5, "domain": "acme.example"},
        "contacts": {},
        "leads": {"score": 0.75, "status": "working"},
        "opportunities": {"amount": 4800, "expected_close_date": "2026-12-31", "status": "open"},
        "activities": {"type": "call", "occurred_at": "2026-03-31T09:00:00.000Z"},
    }
    assert made.items() >= shown[plural].items()


async def test_the_body_itself_may_be_the_file(client: httpx.AsyncClient, services: AppServices) -> None:
    answer = await client.post(
        f"{CRM}/contacts/import_csv?tags=raw&options=%7B%22suppress_automations%22%3Atrue%7D",
        content=PEOPLE.encode(),
        headers={"content-type": "text/csv", "content-disposition": 'attachment; filename="../../raw.csv"'},
    )
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["file_name"], made["tags"], made["suppress_automations"]) == ("raw.csv", ["raw"], True)
    await carry_out(services)
    assert len(await records(client)) == 2


async def test_xlsx_is_known_by_its_contents_and_csv_too(client: httpx.AsyncClient, services: AppServices) -> None:
    book = plain_workbook([["Email", "First name"], ["ada@example.com", "Ada"], ["bad", "Bob"]])
    done = await imported(client, services, book, name="people.csv")
    assert (done["status"], done["format"], counted(done)) == (
        "completed",
        "xlsx",
        {"rows": 2, "created": 1, "failed": 1},
    )
    assert [one["row"] for one in await errors(client, done)] == ["3"]
    done = await imported(client, services, PEOPLE, name="people.xlsx")
    assert (done["format"], counted(done)) == ("csv", {"rows": 2, "created": 1, "updated": 1})


async def test_rows_that_are_wrong_are_reported_and_the_others_go_in(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    text = (
        "email,first_name,phone\nada@example.com,Ada,1\nno-address,=cmd,2\n"
        f"long@example.com,{'x' * 501},3\nragged@example.com,a,b,c\n\nlast@example.com,Z\n"
    )
    done = await imported(client, services, text)
    assert (done["status"], counted(done)) == ("completed", {"rows": 5, "created": 2, "failed": 3})
    found = await errors(client, done)
    assert [one["row"] for one in found] == ["3", "4", "5"]
    assert found[0].items() >= {"column": "email", "value": "no-address", "first_name": "'=cmd"}.items()
    assert "longer than 500" in found[1]["message"]
    assert "4 cells, the header 3" in found[2]["message"]
    assert {one["email"] for one in await records(client)} == {"ada@example.com", "last@example.com"}


async def test_rows_of_one_person_become_one_and_the_later_wins(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    text = "email,first_name,title,tags\nADA@example.com,Ada,Countess,a\nada@Example.com,Augusta,,b\n"
    done = await imported(client, services, text)
    assert counted(done) == {"rows": 2, "created": 1, "duplicates": 1}
    [one] = await records(client)
    assert (one["first_name"], one["title"], one["tags"]) == ("Augusta", "Countess", ["a", "b"])


async def test_ids_of_others_are_refused_like_random_ones(
    client: httpx.AsyncClient, services: AppServices, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    theirs = (await other.client.post(f"{CRM}/accounts", json={"name": "Theirs"})).json()
    mine = (await client.post(f"{CRM}/accounts", json={"name": "Mine"})).json()
    rows = [mine["id"], mine["public_id"], theirs["id"], theirs["public_id"], "acct_0000"]
    text = "email,account_id,owner_id\n" + "".join(f"a{i}@example.com,{ref},\n" for i, ref in enumerate(rows))
    text += f"b@example.com,,{other.admin_id}\n"
    done = await imported(client, services, text)
    assert counted(done) == {"rows": 6, "created": 2, "failed": 4}
    found = await errors(client, done)
    assert len({one["message"] for one in found[:3]}) == 1
    assert found[3]["message"] == "No user with this id exists in your organization."
    assert {one["account_id"] for one in await records(client)} == {mine["id"]}


async def test_external_ids_find_records_and_need_a_system(client: httpx.AsyncClient, services: AppServices) -> None:
    text = 'external_id,email,name\n1,ada@example.com,Ada Lovelace\n2,,"Hopper, Grace"\n'
    refused = await imported(client, services, text)
    assert counted(refused) == {"rows": 2, "failed": 2}
    constants = {"external_system": "old_crm"}
    assert counted(await imported(client, services, text, constants=constants)) == {"rows": 2, "created": 2}
    moved = text.replace("ada@", "countess@")
    assert counted(await imported(client, services, moved, constants=constants)) == {
        "rows": 2,
        "updated": 1,
        "unchanged": 1,
    }
    found = {one["external_id"]: one for one in await records(client)}
    assert (found["1"]["email"], found["2"]["first_name"]) == ("countess@example.com", "Grace")
    taken = "external_id,email\n2,countess@example.com\n9,countess@example.com\n"
    done = await imported(client, services, taken, constants=constants, dedupe_by="external_id")
    assert done["counts"]["failed"] == 2, await errors(client, done)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"mapping": {"E-Mail": "emial"}}, "mapping.E-Mail"),
        ({"mapping": {"Mail": "email"}}, "mapping.Mail"),
        ({"mapping": {"E-Mail": "email", "Firma": "email"}}, "mapping.Firma"),
        ({"delimiter": "ab"}, "delimiter"),
        ({"encoding": "klingon"}, "encoding"),
        ({"on_existing": "merge"}, "on_existing"),
        ({"dedupe_by": "phone"}, "dedupe_by"),
        ({"colour": "red"}, "colour"),
        ({"dry_run": "perhaps"}, "dry_run"),
    ],
)
async def test_an_unacceptable_option_is_refused_at_once_and_leaves_nothing(
    client: httpx.AsyncClient, fields: dict[str, Any], path: str
) -> None:
    answer = await send(client, PEOPLE, **fields)
    assert answer.status_code == 422, answer.text
    assert path in answer.json()["errors"]
    assert (await client.get(f"{CRM}/imports")).json() == {"imports": [], "total_count": 0}


@pytest.mark.parametrize(
    "content", ["", "\n\n", "ada@example.com,Ada\n", "a,b\n", ",".join(f"c{i}" for i in range(10_000)) + "\n"]
)
async def test_a_file_without_a_usable_header_is_refused_at_once(client: httpx.AsyncClient, content: str) -> None:
    answer = await send(client, content)
    assert (answer.status_code, answer.json()["error"]) == (422, "unreadable_file"), answer.text
    assert (await client.get(f"{CRM}/imports")).json()["total_count"] == 0


async def test_a_header_alone_is_an_empty_import(client: httpx.AsyncClient, services: AppServices) -> None:
    done = await imported(client, services, "email,first_name\n")
    assert (done["status"], counted(done)) == ("completed", {})


async def test_a_preview_shows_what_would_happen_and_stores_nothing(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    await imported(client, services, PEOPLE)
    text = PEOPLE.replace("Acme", "Analytical") + "new@example.com,New,One,X\nbad,a,b,c\n"
    for answer in (
        await send(client, text, dry_run="true"),
        await client.post(
            f"{CRM}/contacts/import_csv?dry_run=true", content=text.encode(), headers={"content-type": "text/csv"}
        ),
        await client.post(
            f"{CRM}/imports/preview", files={"file": ("x.csv", text.encode())}, data={"record_type": "contacts"}
        ),
    ):
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert [row["outcome"] for row in shown["rows"]] == ["updated", "unchanged", "created", "failed"]
        assert shown["rows"][0]["changes"] == {"company": {"before": "Acme", "after": "Analytical"}}
        assert shown["rows"][2]["record"].items() >= {"email": "new@example.com", "company": "X"}.items()
        assert shown["rows"][3]["problems"][0]["column"] == "email"
        assert (shown["encoding"], shown["delimiter"], shown["more_rows"]) == ("utf-8", ",", False)
    assert {one["company"] for one in await records(client)} == {"Acme", "Navy"}
    assert (await client.get(f"{CRM}/imports")).json()["total_count"] == 1


async def test_an_import_is_cancelled_between_portions_and_keeps_what_is_in(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    text = "email\n" + "".join(f"p{i}@example.com\n" for i in range(50))
    made = (await send(client, text)).json()
    cancelled = await client.post(f"{CRM}/imports/{made['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    await carry_out(services)
    assert await records(client) == []
    again = await client.post(f"{CRM}/imports/{made['id']}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "import_over")


async def test_watching_goes_on_where_it_was_and_ends_with_the_import(
    client: httpx.AsyncClient, services: AppServices
) -> None:
    done = await imported(client, services, PEOPLE)
    answer = await client.get(f"{CRM}/imports/{done['id']}/events", headers={"last-event-id": "1"})
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    event = dict(line.split(": ", 1) for line in answer.text.split("\n\n")[1].splitlines())
    assert event["event"] == "completed"
    assert orjson.loads(event["data"]) == done


async def test_a_file_over_the_limit_is_refused(organization: TestOrganization, services: AppServices) -> None:
    small = services.settings.model_copy(update={"import_max_bytes": 1000})
    from drippulse.crm.importing.errors import FileTooLargeError
    from drippulse.crm.importing.uploads import Upload
    from drippulse.crm.tables import RecordType

    upload = Upload(services.database, organization.principal, RecordType.CONTACT, small.import_max_bytes)
    await upload.add(b"x" * 1000)
    with pytest.raises(FileTooLargeError):
        await upload.add(b"x")


async def test_the_same_upload_with_a_key_is_one_import(client: httpx.AsyncClient, services: AppServices) -> None:
    answers = [
        await client.post(
            f"{CRM}/contacts/import_csv", files={"file": ("p.csv", PEOPLE.encode())}, headers={"idempotency-key": "k1"}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert (await client.get(f"{CRM}/imports")).json()["total_count"] == 1


async def test_a_whole_import_is_undone(client: httpx.AsyncClient, services: AppServices) -> None:
    await client.post(f"{CRM}/contacts", json={"email": "ada@example.com", "title": "Countess"})
    done = await imported(client, services, PEOPLE)
    [ada] = [one for one in await records(client) if one["email"] == "ada@example.com"]
    await client.patch(f"{CRM}/contacts/{ada['id']}", json={"last_name": "Byron"})
    tried = (await client.post(f"{CRM}/imports/{done['id']}/undo", json={"dry_run": True})).json()
    assert (tried["status"], tried["counts"]["reverted"], tried["counts"]["conflicts"]) == ("dry_run", 1, 1)
    undone = await client.post(f"{CRM}/imports/{done['id']}/undo")
    assert (undone.status_code, undone.json()["status"]) == (200, "completed"), undone.text
    assert [one["field"] for one in undone.json()["conflicts"]] == ["last_name"]
    [left] = await records(client)
    shown = {name: left[name] for name in ("title", "first_name", "last_name", "company")}
    assert shown == {"title": "Countess", "first_name": "", "last_name": "Byron", "company": ""}
    after = (await client.get(f"{CRM}/imports/{done['id']}")).json()
    assert (after["status"], after["undo"]["status"]) == ("undone", "completed")
    again = await client.post(f"{CRM}/imports/{done['id']}/undo")
    assert (again.status_code, again.json()["error"]) == (409, "changeset_already_reverted")


async def test_nothing_and_what_is_under_way_cannot_be_undone(client: httpx.AsyncClient, services: AppServices) -> None:
    waiting = (await send(client, PEOPLE)).json()
    nothing = await imported(client, services, "email\n")
    await client.post(f"{CRM}/imports/{waiting['id']}/cancel")
    for one in (nothing["id"], (await send(client, PEOPLE)).json()["id"]):
        answer = await client.post(f"{CRM}/imports/{one}/undo")
        assert (answer.status_code, answer.json()["error"]) == (409, "import_not_undoable")


async def test_custom_fields_are_checked_and_filled_in(client: httpx.AsyncClient, services: AppServices) -> None:
    for field in (
        {"key": "plan", "label": "Plan", "type": "select", "options": ["free", "pro"], "required": True},
        {"key": "seats", "label": "Seats", "type": "integer", "default": 5},
    ):
        made = await client.post(f"{CRM}/custom_fields", json={"record_type": "contact", **field})
        assert made.status_code == 201, made.text
    text = "email,Plan,seats\na@example.com,pro,\nb@example.com,gold,1\nc@example.com,,1\nd@example.com,free,7\n"
    done = await imported(client, services, text)
    assert (done["mapping"]["Plan"], counted(done)) == ("custom.plan", {"rows": 4, "created": 2, "failed": 2})
    found = {one["email"]: one["custom_fields"] for one in await records(client)}
    assert found == {"a@example.com": {"plan": "pro", "seats": 5}, "d@example.com": {"plan": "free", "seats": 7}}
    assert [(one["row"], one["column"]) for one in await errors(client, done)] == [("3", "custom.plan"), ("4", "")]
    refused = await send(client, text, mapping={"email": "email", "seats": "custom.seat"})
    assert (refused.status_code, "mapping.seats" in refused.json()["errors"]) == (422, True)
