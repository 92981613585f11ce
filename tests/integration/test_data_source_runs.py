"""Runs of data sources against servers on this machine: what becomes of rows, and of what goes wrong."""

import asyncio
import gzip
import secrets
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from drippulse.data_sources import runs as service
from drippulse.data_sources.chores import look_after_data_sources
from drippulse.data_sources.errors import InvalidDataSourceError, RunOpenError
from drippulse.data_sources.runner import claim_next, run_next
from drippulse.kit.db import Database
from drippulse.organizations import service as organizations
from drippulse.settings import Settings
from tests.conftest import MakeDatabase
from tests.support.data_runs import Runs, making_runs
from tests.support.data_servers import Asked, DataServer, head, send, serving
from tests.support.waiting import eventually
from tests.support.workbooks import plain_workbook

PEOPLE = b"email,first_name,changed\nada@example.com,Ada,2026-01-01\ngrace@example.com,Grace,2026-01-02\n"
BOTH = {"ada@example.com": "Ada", "grace@example.com": "Grace"}
MAPPING = {"email": "email", "first_name": "first_name"}
IDLE = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"


@pytest.fixture(scope="module")
async def own_settings(make_database: MakeDatabase) -> Settings:
    """Of a database of its own: whoever claims looks at all organizations."""
    return await make_database("data_source_runs")


@pytest.fixture(scope="module")
async def server() -> AsyncGenerator[DataServer]:
    async with serving() as made:
        yield made


@pytest.fixture
async def runs(own_settings: Settings, server: DataServer) -> AsyncGenerator[Runs]:
    """In a new organization."""
    server.routes.clear()
    server.asked.clear()
    database = Database(own_settings)
    await database.open()
    organization_id = await organizations.create_organization(database, secrets.token_hex(8))
    await database.close()
    async with making_runs(own_settings, organization_id, server.url) as made:
        yield made


def people(first: int, last: int) -> list[dict[str, str]]:
    return [{"email": f"p{number}@example.com", "first_name": f"N{number}"} for number in range(first, last)]


async def api(runs: Runs, server: DataServer, **config: object) -> int:
    """A source of pages at /people."""
    config = {"url": f"{server.url}/people", **config}
    return await runs.source(type="http_json", config=config, mapping=MAPPING)


async def csv_source(runs: Runs, server: DataServer, **fields: object) -> int:
    return await runs.source(type="csv_url", config={"url": f"{server.url}/people.csv"}, **fields)


async def test_a_csv_file_at_an_address_becomes_records_of_one_changeset(runs: Runs, server: DataServer) -> None:
    server.routes["/people.csv"] = PEOPLE
    source = await csv_source(runs, server)
    run = await runs.run(source, portion_rows=1)
    assert (run["status"], run["problem"]) == ("completed", None)
    assert (run["counts"]["created"], run["bytes"]) == (2, len(PEOPLE))
    assert await runs.contacts() == BOTH
    kept = await runs.fetchval("SELECT source || ':' || label FROM changeset WHERE id = $1", run["changeset_id"])
    assert kept == "data_source:Partner"
    again = await runs.run(source)
    assert (again["counts"]["unchanged"], again["counts"]["created"], again["changeset_id"]) == (2, 0, None)
    events = await runs.fetchval("SELECT count(*) FROM event WHERE type = 'data_source_run.completed'")
    assert events == 2


async def test_a_workbook_is_read_as_a_table(runs: Runs, server: DataServer) -> None:
    server.routes["/people.csv"] = plain_workbook([["email", "first_name"], *BOTH.items()])
    assert (await runs.run(await csv_source(runs, server), portion_rows=1))["status"] == "completed"
    assert await runs.contacts() == BOTH


async def test_a_json_document_with_nested_rows_is_mapped_and_completed(runs: Runs, server: DataServer) -> None:
    rows = [{"mail": "ada@example.com", "name": {"first": "Ada"}, "home": {"city": "London"}}, "no object", {"x": 1}]
    server.routes["/people"] = {"data": {"items": rows}, "count": 3}
    source = await runs.source(
        type="json_url",
        config={"url": f"{server.url}/people", "items_path": "data.items"},
        mapping={"mail": "email", "name.first": "first_name", "home.city": "city"},
        templates={"description": "Lives in {{ home.city }}", "title": "Partner"},
        tags=["partner"],
    )
    run = await runs.run(source)
    assert (run["status"], run["counts"]["created"], run["counts"]["failed"]) == ("completed", 1, 2)
    found = await runs.fetchval("SELECT concat_ws('|', city, description, title, tags) FROM contact")
    assert found == "London|Lives in London|Partner|{partner}"
    assert [row for row, _, _ in await runs.problems(run["id"])] == [2, 3]


async def test_pages_by_number_are_read_until_one_is_empty(runs: Runs, server: DataServer) -> None:
    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        number = int(asked.query["page"])
        send(writer, {"items": people(number * 3, number * 3 + 3) if number < 4 else []})

    server.routes["/people"] = pages
    paging = {"type": "page", "parameter": "page", "size_parameter": "per_page", "size": 3}
    run = await runs.run(await api(runs, server, paging=paging, params={"kind": "all"}), portion_rows=2)
    assert (run["status"], run["counts"]["created"], run["rows_read"]) == ("completed", 9, 9)
    assert [asked.query for asked in server.asked] == [
        {"kind": "all", "per_page": "3", "page": str(number)} for number in (1, 2, 3, 4)
    ]


async def test_pages_by_offset_follow_what_came(runs: Runs, server: DataServer) -> None:
    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        begin = int(asked.query["offset"])
        send(writer, people(begin, min(begin + 4, 10)))

    server.routes["/people"] = pages
    run = await runs.run(await api(runs, server, paging={"type": "offset", "parameter": "offset"}))
    assert run["counts"]["created"] == 10
    assert [asked.query["offset"] for asked in server.asked] == ["0", "4", "8", "10"]


def _named(value: object) -> str:
    """The same in every process."""
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize("kind", ["cursor", "address", "link"])
async def test_pages_that_name_the_next_one_are_followed(runs: Runs, server: DataServer, kind: str) -> None:
    async def pages(made: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        number = int(asked.query.get("after", "0"))
        following = number + 1 if number < 2 else None
        address = f"{made.url}/people?after={following}"
        told = {"cursor": following, "address": following and address, "link": None}[kind]
        link = [f'Link: <{address}>; rel="next"'] if kind == "link" and following else []
        send(writer, {"rows": people(number * 2, number * 2 + 2), "meta": {"next": told}}, *link)

    server.routes["/people"] = pages
    paging = {
        "cursor": {"type": "cursor", "parameter": "after", "path": "meta.next"},
        "address": {"type": "cursor", "path": "meta.next"},
        "link": {"type": "link"},
    }[kind]
    run = await runs.run(await api(runs, server, paging=paging))
    assert (run["status"], run["counts"]["created"], len(server.asked)) == ("completed", 6, 3)


@pytest.mark.parametrize(
    ("paging", "told"),
    [
        ({"type": "page", "parameter": "page"}, "hold the same rows"),
        ({"type": "cursor", "parameter": "after", "path": "next"}, "in a circle"),
        ({"type": "link"}, "another host"),
    ],
)
async def test_paging_that_does_not_end_is_a_clear_failure(
    runs: Runs, server: DataServer, paging: dict[str, str], told: str
) -> None:
    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        rows = people(0, 3) if paging["type"] == "page" else people(len(server.asked), len(server.asked) + 3)
        send(writer, {"rows": rows, "next": "same"}, 'Link: <https://example.com/more>; rel="next"')

    server.routes["/people"] = pages
    source = await api(runs, server, paging=paging)
    run = await runs.run(source)
    assert run["status"] == "failed"
    assert told in run["problem"]
    assert len(server.asked) < 4
    events = await runs.fetchval("SELECT data ->> 'problem' FROM event WHERE type = 'data_source_run.failed'")
    assert events == run["problem"]


async def test_pages_without_end_stop_at_the_limit(runs: Runs, server: DataServer) -> None:
    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        send(writer, people(int(asked.query["page"]), int(asked.query["page"]) + 1))

    server.routes["/people"] = pages
    run = await runs.limited(pages=5).run(await api(runs, server, paging={"type": "page", "parameter": "page"}))
    assert (run["status"], run["counts"]["created"]) == ("failed", 5)
    assert "more than 5 pages" in run["problem"]


async def test_a_google_sheet_is_read_through_its_export(runs: Runs, server: DataServer) -> None:
    sheet = "a" * 44
    server.routes[f"/spreadsheets/d/{sheet}/export"] = PEOPLE
    base = {"connector_base_urls": {"google_sheets": server.url}}
    opening = replace(runs.opening, settings=runs.opening.settings.model_copy(update=base))
    link = f"https://docs.google.com/spreadsheets/d/{sheet}/edit#gid=7"
    run = await replace(runs, opening=opening).run(await runs.source(type="google_sheets", config={"url": link}))
    assert (run["status"], await runs.contacts()) == ("completed", BOTH)
    assert server.asked[0].query == {"format": "csv", "gid": "7"}


async def endless(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/csv") + b"email\n")
    for number in range(400):
        writer.write(b"x" * 20_000 + b"%d\n" % number)
        await writer.drain()


async def trickling(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/csv") + b"email\n")
    for _number in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3)


async def cut_off(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/csv", "Content-Length: 5000") + PEOPLE)


async def bomb(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, gzip.compress(b"email\n" + b"0" * 50_000_000), "Content-Type: text/csv", "Content-Encoding: gzip")


async def half_gzip(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    send(writer, gzip.compress(PEOPLE * 100)[:-20], "Content-Type: text/csv", "Content-Encoding: gzip")


def redirecting(location: str) -> object:
    async def redirect(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(302, f"Location: {location}", "Content-Length: 0"))

    return redirect


def answering(status: int, *headers: str) -> object:
    async def answer(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, *headers, "Content-Length: 0"))

    return answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "is a web page"),
        (b"", "file is empty"),
        (b"email\n\xff\xfe\n" + b"%PDF" * 3, None),
        (b"a,b\n1,2\n", "No column is recognized"),
        (endless, "sends more than 1048576 bytes"),
        (bomb, "sends more than 1048576 bytes"),
        (half_gzip, "not what its Content-Encoding says"),
        (trickling, "took too long"),
        (silent, "took too long"),
        (cut_off, "broke off in the middle"),
        (redirecting("http://169.254.169.254/latest/meta-data"), "Only https URLs are called"),
        (redirecting("https://169.254.169.254/latest/meta-data"), "never called"),
        (redirecting("https://user:pass@example.com/x"), "Credentials do not belong in a URL"),
        (redirecting("/people.csv"), "more than 5 redirects"),
        (redirecting("file:///etc/passwd"), "Only https URLs"),
        (answering(404), "answers 404"),
        (answering(401), "does not accept the credentials"),
        (answering(503), "asked 3 times"),
        (answering(429, "Retry-After: 86400"), "too long"),
    ],
    ids=_named,
)
async def test_what_is_no_table_ends_the_run_in_words(
    runs: Runs, server: DataServer, answer: object, told: str | None
) -> None:
    server.routes["/people.csv"] = answer
    limited = runs.limited(attempts=2, silence_seconds=0.4, file_seconds=1.0) if "too long" in (told or "") else runs
    run = await limited.run(await csv_source(runs, server))
    assert run["status"] == ("failed" if told else "completed")
    assert (told or "") in (run["problem"] or "")
    assert await runs.contacts() == {}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<html></html>", "web page, not JSON"),
        (b"email\nada@example.com", "The answer is not JSON"),
        (b"", "The answer is empty"),
        (b"[" * 2_000, "The answer is not JSON"),
        ({"error": "no"}, "It has error."),
        ({"a": [], "b": []}, "items_path"),
        (7, "It is int."),
        ([{"other": 1}], "none of the columns"),
    ],
    ids=_named,
)
async def test_what_is_no_list_of_rows_ends_the_run_in_words(
    runs: Runs, server: DataServer, answer: object, told: str
) -> None:
    server.routes["/people"] = answer
    run = await runs.run(await api(runs, server))
    assert run["status"] == "failed"
    assert told in run["problem"]


async def test_what_fails_for_the_moment_is_asked_again(runs: Runs, server: DataServer) -> None:
    async def third_time(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) < 3:
            writer.write(head(429, "Retry-After: 7", "Content-Length: 0"))
        else:
            send(writer, people(0, 2))

    server.routes["/people"] = third_time
    run = await runs.run(await api(runs, server))
    assert (run["status"], runs.waited) == ("completed", [7.0, 7.0])


async def test_a_failure_in_the_middle_keeps_what_was_committed_and_leaves_the_cursor(
    runs: Runs, server: DataServer
) -> None:
    """Rows do not come in the cursor's order: the next run has to see those behind the failure."""
    broken = True

    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        number = int(asked.query["page"])
        if number == 2 and broken:
            writer.write(head(500, "Content-Length: 0"))
            return
        row = {"email": f"p{number}@example.com", "first_name": "N", "seq": 10 - number}
        send(writer, [row] if number < 4 else [])

    server.routes["/people"] = pages
    config = {"url": f"{server.url}/people", "paging": {"type": "page", "parameter": "page"}}
    incremental = {"column": "seq", "type": "number"}
    source = await runs.source(type="http_json", config=config, mapping=MAPPING, incremental=incremental)
    failed = await runs.run(source)
    assert (failed["status"], failed["counts"]["created"], await runs.cursor(source)) == ("failed", 1, None)
    broken = False
    run = await runs.run(source)
    assert (run["counts"]["created"], run["counts"]["unchanged"], await runs.cursor(source)) == (2, 1, "9")


async def test_only_rows_behind_the_last_cursor_are_read(runs: Runs, server: DataServer) -> None:
    server.routes["/people.csv"] = PEOPLE
    source = await csv_source(runs, server, incremental={"column": "changed"})
    assert (await runs.run(source))["cursor_to"] == "2026-01-02"
    newer = b"new@example.com,New,2026-01-03T00:00:00+01:00\nold@example.com,Old,2025-12-31\nbad@example.com,Bad,soon\n"
    server.routes["/people.csv"] = PEOPLE + newer
    run = await runs.run(source)
    assert (run["counts"]["rows"], run["counts"]["created"], run["rows_read"]) == (2, 1, 6)
    assert await runs.problems(run["id"]) == [(6, "", 'changed must be a time such as "2026-03-31T09:00:00Z".')]
    assert await runs.cursor(source) == "2026-01-03T00:00:00+01:00"
    everything = await runs.run(source, from_start=True)
    assert (everything["counts"]["created"], everything["counts"]["unchanged"]) == (1, 3)


async def test_parameters_may_name_the_cursor(runs: Runs, server: DataServer) -> None:
    server.routes["/people"] = [{"email": "ada@example.com", "at": "2026-01-02T00:00:00Z"}]
    config = {"url": f"{server.url}/people", "params": {"since": "{{ cursor }}", "empty": ""}}
    source = await runs.source(
        type="http_json", config=config, mapping={"email": "email"}, incremental={"column": "at"}
    )
    await runs.run(source)
    await runs.run(source)
    assert [asked.query for asked in server.asked] == [{"empty": ""}, {"since": "2026-01-02T00:00:00Z", "empty": ""}]


async def test_rows_that_nothing_tells_apart_are_refused(runs: Runs, server: DataServer) -> None:
    """Otherwise every run would make them anew."""
    server.routes["/people.csv"] = b"first_name,email\nAda,\nGrace,grace@example.com\n"
    source = await csv_source(runs, server)
    run = await runs.run(source)
    assert (run["counts"]["created"], run["counts"]["failed"]) == (1, 1)
    [(row, _, message)] = await runs.problems(run["id"])
    assert (row, "has no email" in message) == (2, True)
    with pytest.raises(InvalidDataSourceError, match="every run would make all of them anew"):
        await csv_source(runs, server, mapping={"first_name": "first_name"})


async def test_ids_of_the_source_recognize_its_rows(runs: Runs, server: DataServer) -> None:
    server.routes["/people"] = [{"id": 7, "name": "Acme"}, {"id": 8, "name": "Umbrella"}]
    config = {"url": f"{server.url}/people"}
    mapping = {"id": "external_id", "name": "name"}
    source = await runs.source(type="json_url", record_type="account", config=config, mapping=mapping)
    await runs.run(source)
    run = await runs.run(source)
    assert run["counts"]["unchanged"] == 2
    assert await runs.fetchval("SELECT min(external_system) FROM account") == f"data_source_{source}"


@pytest.mark.parametrize("kind", ["lead", "opportunity", "activity"])
async def test_rows_become_records_of_any_type(runs: Runs, server: DataServer, kind: str) -> None:
    server.routes["/rows"] = [{"id": number, "called": f"N{number}", "on": "2026-03-31"} for number in range(7)]
    name = {"lead": "company", "opportunity": "name", "activity": "subject"}[kind]
    config, mapping = {"url": f"{server.url}/rows"}, {"id": "external_id", "called": name}
    source = await runs.source(type="json_url", record_type=kind, config=config, mapping=mapping)
    assert (await runs.run(source, portion_rows=3))["counts"]["created"] == 7
    assert (await runs.run(source))["counts"]["unchanged"] == 7
    assert await runs.fetchval(f"SELECT count(*) FROM {kind}") == 7


async def test_a_cursor_of_another_column_does_not_come_from_a_run_before(runs: Runs, server: DataServer) -> None:
    async def changed_meanwhile(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        async with runs.database.tenant(runs.organization_id) as session:
            await session.execute("UPDATE data_source SET updated_at = clock_timestamp()")
        send(writer, PEOPLE, "Content-Type: text/csv")

    server.routes["/people.csv"] = changed_meanwhile
    source = await csv_source(runs, server, incremental={"column": "changed"})
    assert (await runs.run(source))["status"] == "completed"
    assert await runs.cursor(source) is None


async def test_a_run_that_takes_too_long_is_given_up(runs: Runs, server: DataServer) -> None:
    server.routes["/people.csv"] = trickling
    run = await runs.limited(run_seconds=0.3).run(await csv_source(runs, server))
    assert (run["status"], "took longer than 0 seconds" in run["problem"]) == ("failed", True)


async def test_quiet_sources_make_no_events_of_their_rows(runs: Runs, server: DataServer) -> None:
    server.routes["/people.csv"] = PEOPLE
    await runs.run(await csv_source(runs, server, suppress_automations=True))
    types = await runs.fetchval("SELECT array_agg(type) FROM event")
    assert types == ["data_source_run.completed"]


async def test_no_transaction_is_open_while_the_source_is_asked(runs: Runs, server: DataServer) -> None:
    open_ones: list[int] = []

    async def looking(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        open_ones.append(await runs.fetchval(IDLE))
        send(writer, people(0, 3) if asked.query["page"] == "1" else [])

    server.routes["/people"] = looking
    await runs.run(await api(runs, server, paging={"type": "page", "parameter": "page"}))
    assert open_ones == [0, 0]


async def test_of_one_source_one_run_is_under_way(runs: Runs, server: DataServer) -> None:
    source = await csv_source(runs, server)
    first = await runs.start(source)
    with pytest.raises(RunOpenError, match=f"Run {first} "):
        await runs.start(source)
    others = [await csv_source(runs, server) for _ in range(3)]
    started = await asyncio.gather(*(runs.start(other) for other in others))
    assert len(set(started)) == 3
    both = await asyncio.gather(*(runs.start(source) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(one, RunOpenError) for one in both)
    async with runs.database.tenant(runs.organization_id) as session:
        for run_id in (first, *started):
            await service.cancel_run(session, runs.principal, run_id)
    assert not await run_next(runs.opening)


async def test_cancelling_ends_a_run_that_waits_for_its_source(runs: Runs, server: DataServer) -> None:
    async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        send(writer, people(int(asked.query["page"]) * 10, int(asked.query["page"]) * 10 + 10))
        await asyncio.sleep(0.02)

    server.routes["/people"] = pages
    run_id = await runs.start(await api(runs, server, paging={"type": "page", "parameter": "page"}))
    running = asyncio.create_task(run_next(runs.opening))

    async def begun() -> bool:
        return (await runs.shown(run_id))["counts"]["created"] > 0

    await eventually(begun)
    async with runs.database.tenant(runs.organization_id) as session:
        await service.cancel_run(session, runs.principal, run_id)
    await running
    run = await runs.shown(run_id)
    assert run["status"] == "cancelled"
    assert run["counts"]["created"] == len(await runs.contacts())


async def test_whoever_lost_the_claim_writes_nothing(runs: Runs, server: DataServer) -> None:
    """As when a process stands still for longer than its claim counts, while another one does the work."""
    server.routes["/people.csv"] = PEOPLE
    run_id = await runs.start(await csv_source(runs, server))
    late: asyncio.Event = asyncio.Event()

    async def slow(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await late.wait()
        send(writer, b"email\nlate@example.com\n", "Content-Type: text/csv")

    server.routes["/people.csv"] = slow
    first = asyncio.create_task(run_next(runs.limited(silence_seconds=10, file_seconds=10).opening))
    await eventually(lambda: _asked(server))
    server.routes["/people.csv"] = PEOPLE
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute("UPDATE data_source_run SET claimed_until = now() - interval '1 second'")
    assert await run_next(runs.opening)
    late.set()
    await first
    assert (await runs.shown(run_id))["status"] == "completed"
    assert await runs.contacts() == BOTH


async def _asked(server: DataServer) -> bool:
    return len(server.asked) > 0


async def test_what_kills_its_process_every_time_is_given_up(runs: Runs, server: DataServer) -> None:
    run_id = await runs.start(await csv_source(runs, server))
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute("UPDATE data_source_run SET attempts = 5")
    assert await run_next(runs.opening)
    run = await runs.shown(run_id)
    assert (run["status"], "again and again" in run["problem"]) == ("failed", True)


async def test_an_organization_leaves_others_their_turn(runs: Runs, server: DataServer) -> None:
    for _ in range(3):
        await runs.start(await csv_source(runs, server))
    assert await claim_next(runs.database)
    assert await claim_next(runs.database)
    assert await claim_next(runs.database) is None
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute("UPDATE data_source_run SET status = 'cancelled'")


async def test_a_schedule_that_was_missed_for_long_runs_once(runs: Runs, server: DataServer) -> None:
    source = await csv_source(runs, server, schedule={"every_minutes": 5})
    due = "UPDATE data_source SET next_run_at = now() - interval '3 days'"
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute(due)
    assert await look_after_data_sources(runs.database)
    await look_after_data_sources(runs.database)
    assert await runs.fetchval("SELECT array_agg(trigger) FROM data_source_run") == ["schedule"]
    ahead = await runs.fetchval("SELECT next_run_at - now() FROM data_source WHERE id = $1", source)
    assert timedelta() < ahead <= timedelta(minutes=5)
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute(due)
    await look_after_data_sources(runs.database)
    assert await runs.fetchval("SELECT count(*) FROM data_source_run") == 1  # it is still under way
    server.routes["/people.csv"] = PEOPLE
    assert await run_next(runs.opening)
    assert await runs.contacts() == BOTH


async def test_secrets_stay_with_the_first_host_and_out_of_errors(runs: Runs, server: DataServer) -> None:
    token = secrets.token_hex(16)
    async with serving(people=PEOPLE) as other:
        pairs = runs.opening.settings.egress_allow | {other.url.removeprefix("http://")}
        async with making_runs(
            runs.opening.settings, runs.organization_id, *(f"http://{pair}" for pair in pairs)
        ) as both:
            server.routes["/people.csv"] = redirecting(f"{other.url}/people")
            config = {"url": f"{server.url}/people.csv", "auth": {"type": "bearer"}}
            source = await both.source(type="csv_url", config=config, secrets={"token": token})
            assert (await both.run(source))["status"] == "completed"
            server.routes["/people.csv"] = redirecting(f"https://{token}.invalid/people")
            failed = await both.run(source)
    assert server.asked[0].headers["authorization"] == f"Bearer {token}"
    assert "authorization" not in other.asked[0].headers
    assert failed["status"] == "failed"
    assert "[redacted].invalid cannot be reached" in failed["problem"]
    assert token not in failed["problem"]
    assert await runs.fetchval("SELECT count(*) FROM data_source WHERE config::text LIKE '%' || $1 || '%'", token) == 0
