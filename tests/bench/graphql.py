"""Planned reads beside PostGraphile, beside the same statement in a raw route, and beside a bare route for a flat list;
what a hostile document costs."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from graphql import parse

from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.planning.planner import Planner
from drippulse_graphql.schema import core_schema, schema
from tests.bench.load import generate, request_bytes
from tests.bench.table import Results
from tests.support.npm import install
from tests.support.stack import Stack, free_port, superuser_url

SECONDS, TURNS = 2.0, 4
ROWS = 300_000
RAW_TARGET, POSTGRAPHILE_TARGET, FLAT_TARGET, HOSTILE_TARGET = 0.8, 2.0, 0.7, 0.1
SOURCE = Path(__file__).parent / "postgraphile"
NESTED = """{ opportunities(first: 50) { nodes { name amount status createdAt contact { email firstName lastName }
  account { name domain } stage { name } } } }"""
THEIRS = """{ allOpportunities(first: 50, orderBy: ID_DESC, condition: {organizationId: "%d"}) { nodes {
  name amount status createdAt contactByOrganizationIdAndContactId { email firstName lastName }
  accountByOrganizationIdAndAccountId { name domain }
  pipelineStageByOrganizationIdAndPipelineIdAndPipelineStageId { name } } } }"""
FLAT = "{ contacts(first: 50) { nodes { databaseId publicId email firstName lastName company phone createdAt } } }"
BARE = """SELECT id, public_id, email, first_name, last_name, company, phone, created_at FROM contact
WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT 50"""
SEED = """
INSERT INTO account (id, organization_id, public_id, name, domain)
  SELECT uuidv7(), $1, 'acct_b' || n, 'Account ' || n, 'a' || n || '.example.com' FROM generate_series(1, {tenth}) n;
INSERT INTO contact (id, organization_id, public_id, email, email_key, first_name, last_name)
  SELECT uuidv7(), $1, 'cnt_b' || n, 'p' || n || '@example.com', 'p' || n || '@example.com', 'Ada', 'Lovelace'
  FROM generate_series(1, {tenth}) n;
INSERT INTO opportunity (id, organization_id, public_id, name, account_id, contact_id, pipeline_id, pipeline_stage_id,
    stage_position, amount)
  SELECT uuidv7(), $1, 'opp_b' || n, 'Deal ' || n, a.ids[1 + n % {tenth}], c.ids[1 + n % {tenth}], s.pipeline_id, s.id,
    n, n % 1000
  FROM generate_series(1, {rows}) n,
    (SELECT array_agg(id) AS ids FROM account WHERE public_id LIKE 'acct_b%') a,
    (SELECT array_agg(id) AS ids FROM contact WHERE public_id LIKE 'cnt_b%') c,
    (SELECT id, pipeline_id FROM pipeline_stage WHERE organization_id = $1 ORDER BY position LIMIT 1) s"""


@dataclass(frozen=True, slots=True)
class Side:
    """Who is asked, and how."""

    port: int
    request: bytes

    @classmethod
    async def of(cls, port: int, path: str, token: str, query: str) -> "Side":
        """One that answers it without an error."""
        body = json.dumps({"query": query}).encode()
        async with httpx.AsyncClient() as client:
            headers = {"authorization": f"Bearer {token or 0}", "content-type": "application/json"}
            once = (await client.post(f"http://127.0.0.1:{port}{path}", content=body, headers=headers)).json()
        assert "errors" not in once, once
        return cls(port, request_bytes("POST", path, token, body))


async def measure(stack: Stack, results: Results) -> int:
    """With the same load on each, in turns; the organization that has the rows."""
    url = superuser_url(stack.data_dir)
    organization_id = await _seed(stack, url)
    own = await Side.of(stack.port, "/graphql", stack.api_key, NESTED)
    async with _raw(stack, _statement(NESTED, organization_id)) as port:
        raw = await Side.of(port, "/", stack.api_key, NESTED)
        name = "GraphQL, 50 with contact, account and stage, of 300,000"
        await _beside(results, name, own, raw, "the raw route", RAW_TARGET)
    async with _postgraphile(url) as served:
        name = "the same beside PostGraphile 4.14"
        if isinstance(served, str):
            results.add(name, 0, "x", limit=f"not measured: {served}", target="", met=False)
        else:
            theirs = await Side.of(served, "/graphql", "", THEIRS % organization_id)
            await _beside(results, name, own, theirs, "PostGraphile", POSTGRAPHILE_TARGET)
    await _hostile(stack, results)
    return organization_id


async def flat(stack: Stack, bare_port: int, results: Results) -> None:
    """A list of 50 without anything below it."""
    own = await Side.of(stack.port, "/graphql", stack.api_key, FLAT)
    bare = Side(bare_port, request_bytes("GET", "/", stack.api_key))
    await _beside(results, "GraphQL, flat list of 50", own, bare, "the bare asyncpg route", FLAT_TARGET)


async def _seed(stack: Stack, url: str) -> int:
    async with stack.client() as client:  # which makes the default pipeline
        assert (await client.post("/api/v1/crm/opportunities", json={"name": "First"})).is_success
    connection = await asyncpg.connect(url)
    try:
        organization_id = int(await connection.fetchval("SELECT min(id) FROM organization"))
        for statement in SEED.format(rows=ROWS, tenth=ROWS // 10).split(";\n"):
            await connection.execute(statement, organization_id)
        await connection.execute("VACUUM ANALYZE account")
        await connection.execute("VACUUM ANALYZE contact")
        await connection.execute("VACUUM ANALYZE opportunity")
    finally:
        await connection.close()
    await asyncio.sleep(5)
    return organization_id


async def _beside(results: Results, name: str, own: Side, other: Side, called: str, target: float) -> None:
    """In turns, because the machine has faster and slower seconds."""
    rates: dict[Side, list[float]] = {own: [], other: []}
    failures = 0
    for side in (own, other):
        await generate(side.port, side.request, seconds=1)
    for _ in range(TURNS):
        for side, found in rates.items():
            load = await generate(side.port, side.request, seconds=SECONDS)
            found.append(load.per_second)
            failures += load.failures
    ours, theirs = statistics.mean(rates[own]), statistics.mean(rates[other])
    results.add(
        name,
        ours,
        "requests/s",
        limit=f"{called} {theirs:,.0f} requests/s ({ours / theirs:.2f} x)",
        target=f">= {target} x",
        met=ours / theirs >= target and failures == 0,
    )


def _statement(query: str, organization_id: int) -> str:
    """What the planner makes of it, its other parameters filled in."""
    caller = Principal(organization_id, MemberRole.ADMIN, "user", 1, "bench")
    planned = Planner(schema, core_schema()).plan(query, None, parse(query), {}, caller)
    assert planned is not None
    sql = planned.sql
    for place, value in reversed(list(enumerate(planned.values, 1))):
        if place > 1:
            sql = sql.replace(f"${place}", str(int(value)))
    return sql


@asynccontextmanager
async def _raw(stack: Stack, sql: str) -> AsyncGenerator[int]:
    """The raw route with the settings of the running web process, on a granian of its own."""
    port = free_port()
    command = ("granian", "--interface", "asgi", "--port", str(port), "--log-level", "error")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, "tests.bench.raw_app:app"), env={**_settings(stack), "RAW_SQL": sql}
    )
    try:
        await _answering(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _settings(stack: Stack) -> Mapping[str, str]:
    """The environment of the process that serves the product."""
    environments = (one.environ() for one in stack.processes())
    own = next(one for one in environments if "DRIPPULSE_DATABASE_URL" in one)
    return {**os.environ, **{name: value for name, value in own.items() if name.startswith("DRIPPULSE_")}}


@asynccontextmanager
async def _postgraphile(url: str) -> AsyncGenerator[int | str]:
    """Its port, or why it cannot be had."""
    with tempfile.TemporaryDirectory(prefix="drippulse-postgraphile-") as folder:
        home = Path(folder) / "postgraphile"
        missing = await install(SOURCE, home)
        if missing is not None:
            yield missing
            return
        port = free_port()
        environment = {**os.environ, "NODE_ENV": "production"}
        process = await asyncio.create_subprocess_exec("node", "run.cjs", url, str(port), cwd=home, env=environment)
        try:
            await _answering(port)
            yield port
        finally:
            process.terminate()
            await process.wait()


async def _answering(port: int, within: float = 30) -> None:
    end = time.monotonic() + within
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"http://127.0.0.1:{port}/")
            except httpx.TransportError:
                assert time.monotonic() < end, "it does not answer"
                await asyncio.sleep(0.2)
            else:
                return


async def _hostile(stack: Stack, results: Results) -> None:
    """The slowest of documents that are too much, by the median of its refusals; what the web processes grew by."""
    deep = "{ node(id: 1) " + "{ ... on Node " * 5_000 + "{ id }" + "}" * 5_001
    documents: dict[str, Any] = {
        "deep": {"query": deep},
        "wide": {"query": "{" + " ".join(f"a{n}: viewer {{ role }}" for n in range(30_000)) + "}"},
        "costly": {"query": "{ accounts(first: 200) { nodes { contacts(first: 200) { nodes { id } } } } }"},
        "circular": {"query": "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"},
    }
    before, slowest = _memory(stack), 0.0
    async with stack.client() as client:
        for body in documents.values():
            slowest = max(slowest, statistics.median([await _refused(client, body) for _ in range(9)]))
    results.add(
        "a hostile GraphQL document refused",
        slowest * 1000,
        "ms",
        limit=f"{max(0.0, _memory(stack) - before):.0f} MiB more in the web processes",
        target=f"< {HOSTILE_TARGET * 1000:.0f} ms and 50 MiB",
        met=slowest < HOSTILE_TARGET and _memory(stack) - before < 50,
    )


async def _refused(client: httpx.AsyncClient, body: dict[str, Any]) -> float:
    """Seconds until the errors are there."""
    began = time.perf_counter()
    answer = await client.post("/graphql", json=body)
    took = time.perf_counter() - began
    assert "errors" in answer.json(), answer.text[:200]
    return took


def _memory(stack: Stack) -> float:
    """MiB of all of its Python processes."""
    return sum(one.memory_info().rss for one in stack.processes() if "python" in psutil.Process(one.pid).name()) / 2**20
