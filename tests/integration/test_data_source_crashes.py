"""Runs whose process is killed: nothing is lost, and nothing is there twice."""

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncGenerator

import pytest

from drippulse.data_sources.process import MODULE
from drippulse.kit.db import Database
from drippulse.organizations import service as organizations
from drippulse.settings import Settings
from tests.conftest import MakeDatabase
from tests.support.data_runs import Runs, making_runs
from tests.support.data_servers import Asked, DataServer, send, serving
from tests.support.processes import environment, process
from tests.support.waiting import eventually

PAGES, ON_A_PAGE = 4, 25
EVERYTHING = """SELECT concat_ws(' ', (SELECT count(*) FROM contact), (SELECT count(DISTINCT email_key) FROM contact),
  (SELECT count(*) FROM change_event WHERE action = 'create'),
  (SELECT count(*) FROM event WHERE type = 'contact.created'), (SELECT count(*) FROM changeset),
  (SELECT count(*) FROM event WHERE type = 'data_source_run.completed'))"""
EXPECTED = "100 100 100 100 1 1"


async def pages(_: DataServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    number = int(asked.query["page"])
    begin = number * ON_A_PAGE
    rows = [{"email": f"p{one}@example.com", "seq": one} for one in range(begin, begin + ON_A_PAGE)]
    send(writer, rows if number <= PAGES else [])


@pytest.fixture(scope="module")
async def own_settings(make_database: MakeDatabase) -> Settings:
    return await make_database("data_source_crashes")


@pytest.fixture(scope="module")
async def server() -> AsyncGenerator[DataServer]:
    table = b"email,seq\n" + b"".join(b"p%d@example.com,%d\n" % (one, one) for one in range(100))
    async with serving(people=pages, table=table) as made:
        yield made


@pytest.fixture
async def runs(own_settings: Settings, server: DataServer) -> AsyncGenerator[Runs]:
    database = Database(own_settings)
    await database.open()
    organization_id = await organizations.create_organization(database, secrets.token_hex(8))
    await database.close()
    async with making_runs(own_settings, organization_id, server.url) as made:
        yield made


def told(server: DataServer, **changes: str) -> dict[str, str]:
    allow = {"DRIPPULSE_EGRESS_ALLOW": server.url.removeprefix("http://"), "DRIPPULSE_SMTP_URL": "smtp://127.0.0.1:1"}
    return {**allow, **changes}


async def run_process(settings: Settings, server: DataServer, **changes: str) -> int:
    """The process that carries runs out, until it ends; its exit code."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE),
        stdin=asyncio.subprocess.PIPE,
        env=environment(settings, **told(server, **changes)),
    )
    return await asyncio.wait_for(running.wait(), 60)


async def source_of(runs: Runs, server: DataServer, kind: str) -> int:
    fields: dict[str, object] = {"mapping": {"email": "email"}, "incremental": {"column": "seq", "type": "number"}}
    if kind == "csv_url":
        return await runs.source(type=kind, config={"url": f"{server.url}/table"}, **fields)
    config = {"url": f"{server.url}/people", "paging": {"type": "page", "parameter": "page"}}
    return await runs.source(type=kind, config=config, **fields)


@pytest.mark.parametrize("kind", ["http_json", "csv_url"])
@pytest.mark.parametrize(
    "place", ["data_source.claimed", "data_source.portion_written@1", "data_source.portion_committed@1"]
)
async def test_a_kill_at_any_boundary_loses_nothing_and_doubles_nothing(
    runs: Runs, server: DataServer, own_settings: Settings, kind: str, place: str
) -> None:
    source = await source_of(runs, server, kind)
    run_id = await runs.start(source)
    assert await run_process(own_settings, server, DRIPPULSE_FAILPOINT=place) == -signal.SIGKILL
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute("UPDATE data_source_run SET claimed_until = now()")
    assert await run_process(own_settings, server) == 0
    run = await runs.shown(run_id)
    assert (run["status"], run["counts"]["created"], run["counts"]["failed"]) == ("completed", 100, 0)
    assert await runs.fetchval(EVERYTHING) == EXPECTED
    assert await runs.cursor(source) == ("99" if kind == "csv_url" else str(PAGES * ON_A_PAGE + ON_A_PAGE - 1))


async def test_a_worker_carries_scheduled_runs_out(runs: Runs, server: DataServer, own_settings: Settings) -> None:
    source = await runs.source(
        type="csv_url",
        config={"url": f"{server.url}/table"},
        mapping={"email": "email"},
        schedule={"cron": "* * * * *"},
    )
    async with runs.database.tenant(runs.organization_id) as session:
        await session.execute("UPDATE data_source SET next_run_at = now() WHERE id = $1", source)

    async def completed() -> bool:
        return await runs.fetchval("SELECT count(*) FROM data_source_run WHERE status = 'completed'") > 0

    async with process(own_settings, "worker", **told(server)), process(own_settings, "scheduler", **told(server)):
        await eventually(completed, within=60)
    assert await runs.fetchval("SELECT count(*) FROM contact") == 100
