"""`drippulse demo`: an organization with runs in every state, made once, the same for the same seed."""

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role
from drippulse.kit.errors import ValidationError
from drippulse.settings import Settings
from drippulse_server.asgi import create_app_of
from drippulse_server.commands.demo import run
from drippulse_server.demo.contents import make_contents
from drippulse_server.demo.seeding import seed
from drippulse_server.demo.workflows import BOOKED, WORKFLOWS
from drippulse_server.services import build_services
from tests.conftest import MakeDatabase
from tests.support.lifespan import running
from tests.support.processes import environment, process
from tests.support.publishing import SilentWaker
from tests.support.smtp_sink import SmtpSink
from tests.support.waiting import eventually

ENOUGH = 60
NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
COUNTS = {"accounts": 12, "contacts": 40, "leads": 15, "opportunities": 24, "activities": 60}
DONE = """SELECT count(*) FROM enrollment e JOIN workflow w ON w.id = e.workflow_id
WHERE w.name = 'Trial until the call' AND e.status = 'completed'"""
READ = """{ workflows(first: 50) { nodes { name status enrollments(first: 100) { nodes {
  status timeline { type status } } } } } }"""


@pytest.fixture(scope="module")
async def fresh(make_database: MakeDatabase) -> Settings:
    return await make_database("demo")


async def test_the_demo_has_runs_in_every_state_and_is_made_once(fresh: Settings) -> None:
    async with SmtpSink() as sink, process(fresh, "worker", DRIPPULSE_SMTP_URL=sink.url):
        lines = await run(fresh, 1, ENOUGH)
        await _booked(fresh)
    assert lines[0].startswith('The organization "DripPulse demo" is made, with 40 contacts and ')
    password, key = lines[-2].split()[-1], lines[-1].split()[-1]
    before = await _seen(fresh, password, key)
    assert await run(fresh, 1, 0) == ['The organization "DripPulse demo" is there already; nothing was changed.']
    assert await _seen(fresh, password, key) == before


async def _booked(settings: Settings) -> None:
    """Until the workers have heard of the calls that were booked."""
    database = Database(settings)
    await database.open()
    try:

        async def heard() -> bool:
            async with database.session(Role.ENGINE) as session:
                return await session.fetchval(DONE) == BOOKED

        await eventually(heard, ENOUGH)
    finally:
        await database.close()


async def _seen(settings: Settings, password: str, key: str) -> dict[str, int]:
    """What the login and the key lead to, checked on the way."""
    app = create_app_of(build_services(settings))
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app))
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://demo.test", headers=headers) as client:
            credentials = {"username": "demo-admin", "password": password}
            assert (await client.post("/api/v1/auth/login", json=credentials)).status_code == 200
            found = {name: (await client.get(f"/api/v1/crm/{name}", params={"page": 1})).json() for name in COUNTS}
            assert {name: answer["total_count"] for name, answer in found.items()} == COUNTS
            stages = (await client.get("/api/v1/crm/opportunity_pipelines")).json()["pipelines"][0]["stages"]
            assert sum(stage["opportunity_count"] > 0 for stage in stages) >= 4
            [draft] = [one for one in (await client.get("/api/v1/workflows")).json()["workflows"] if one["has_draft"]]
            assert draft["name"] == "Welcome series"
            data = (await client.post("/graphql", json={"query": READ})).json()["data"]
            approvals = (await client.get("/api/v1/approvals")).json()["approvals"]
    return _checked(data["workflows"]["nodes"], approvals)


def _checked(workflows: list[dict[str, Any]], approvals: list[dict[str, Any]]) -> dict[str, int]:
    assert {one["status"] for one in workflows} == {"ACTIVE", "PAUSED", "DRAFT", "ARCHIVED"}
    runs = [run for one in workflows for run in one["enrollments"]["nodes"]]
    assert len(runs) == sum(len(one.people) for one in WORKFLOWS)
    counts = Counter(run["status"] for run in runs)
    assert {"ACTIVE", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"} <= counts.keys()
    assert sum(bool(run["timeline"]) for run in runs) > len(runs) / 2
    assert {"approved", "rejected", "open"} <= {one["status"] for one in approvals}
    trial = next(one for one in workflows if one["name"].startswith("Trial"))["enrollments"]["nodes"]
    assert Counter(run["status"] for run in trial) == {"COMPLETED": BOOKED, "ACTIVE": len(trial) - BOOKED}
    return dict(counts)


def test_the_same_seed_makes_the_same_contents() -> None:
    assert make_contents(1, NOW) == make_contents(1, NOW)
    assert make_contents(1, NOW) != make_contents(2, NOW)
    contents = make_contents(7, NOW)
    assert len({one["email"] for one in (*contents.contacts, *contents.leads)}) == 55


async def test_a_demo_that_breaks_off_leaves_nothing_and_can_be_made_again(make_database: MakeDatabase) -> None:
    settings = await make_database("demo_broken")
    database = Database(settings)
    await database.open()
    try:
        contents, broken = make_contents(1, NOW), make_contents(1, NOW)
        broken.activities[-1]["type"] = "nonsense"
        with pytest.raises(ValidationError, match="type"):
            await seed(database, Vault.of(settings), SilentWaker(), broken)
        assert await seed(database, Vault.of(settings), SilentWaker(), contents) is not None
        assert await seed(database, Vault.of(settings), SilentWaker(), contents) is None
    finally:
        await database.close()


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--yes", "--wait", "0"), 0)])
async def test_it_refuses_to_run_where_it_does_not_belong(
    arguments: tuple[str, ...], code: int, make_database: MakeDatabase
) -> None:
    settings = await make_database(f"demo_production_{code}")
    command = [sys.executable, "-m", "drippulse_server", "demo", *arguments]
    env = environment(settings, DRIPPULSE_ENV="production", COLUMNS="200")
    done = await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == code, done.stderr
    if code:
        assert "add --yes" in done.stderr
    else:
        assert "No worker has moved its runs on yet" in done.stdout
        assert "password" in done.stdout
