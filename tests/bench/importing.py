"""How fast files become contacts in an organization that has a million, beside a bare COPY into the same table."""

import asyncio
import io
import random
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from drippulse.crm.importing.identities import new_numbers, public_form
from drippulse_server.embedded.postgres import EmbeddedPostgres
from tests.bench.table import Results
from tests.support.imports import import_row, queue_import, start_process
from tests.support.world import World

THERE = 1_000_000
ROWS = 200_000
FIELDS = ("email", "first_name", "last_name", "company", "phone", "title")
TARGET = 20_000
MEMORY_TARGET_MB = 200
SEED = """INSERT INTO contact
  (id, organization_id, public_id, email, email_key, first_name, last_name, company, phone, title, created_at)
SELECT (lpad(to_hex(1760000000000 + n), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid, $1,
  'cnt_' || lpad(n::text, 9, '0') || substr(h, 1, 17), substr(h, 1, 12) || n || '@example' || n % 5000 || '.com',
  substr(h, 1, 12) || n || '@example' || n % 5000 || '.com', 'First' || n % 9973, 'Last' || n % 99991,
  'Company ' || n % 50000, '+4917' || n, 'Engineer', now() - interval '1 day'
FROM (SELECT n, md5(n::text) AS h FROM generate_series($2::int, $3::int) n) AS person"""
SAMPLE = "SELECT email, first_name, last_name, phone FROM contact ORDER BY id LIMIT $1 OFFSET $2"
PORTION = 100_000

Person = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows a second, and the most memory that the import's process had, in MB."""

    rate: float
    megabytes: float


async def measure(world: World, postgres: EmbeddedPostgres, results: Results) -> None:
    url = _in_database(postgres.superuser_url, world.settings.database_url)
    connection = await asyncpg.connect(url)
    try:
        for begin in range(0, THERE, PORTION):
            await connection.execute(SEED, world.organization_id, begin + 1, begin + PORTION)
        await connection.execute("VACUUM ANALYZE contact")
        bare = await _bare(connection, world.organization_id)
        for quiet in (False, True):
            await _compare(world, connection, results, bare, quiet=quiet)
    finally:
        await connection.close()


async def _compare(
    world: World, connection: "asyncpg.Connection[asyncpg.Record]", results: Results, bare: float, *, quiet: bool
) -> None:
    told = "without events" if quiet else "with events"
    offset = ROWS if quiet else 0
    new = await _import(world, new_people(), quiet=quiet)
    _add(results, f"import of new contacts, {told}", new, bare)
    known = [tuple(row) for row in await connection.fetch(SAMPLE, ROWS, offset)]
    changed = [(email, first, last, f"Moved {told}", phone, "") for email, first, last, phone in known]
    _add(results, f"import that changes contacts, {told}", await _import(world, changed, quiet=quiet), bare)
    random.Random(7).shuffle(changed)
    again = [(*person[:3], f"Again {told}", *person[4:]) for person in changed]
    _add(results, f"the same in an order of its own, {told}", await _import(world, again, quiet=quiet), bare)


def new_people(count: int = ROWS) -> list[Person]:
    """Nobody that anybody knows, in no order."""
    source = random.Random(time.time_ns())
    people: list[Person] = []
    for _ in range(count):
        n = source.randrange(10**12)
        address = f"{source.randrange(16**10):x}{n}@example{n % 5000}.com"
        people.append(
            (address, f"First{n % 9973}", f"Last{n % 99991}", f"Company {n % 50000}", f"+4917{n}", "Engineer")
        )
    return people


async def _import(world: World, people: list[Person], *, quiet: bool) -> Figures:
    lines = [",".join(FIELDS), *map(",".join, people)]
    content = "\n".join(lines).encode()
    organization_id = world.organization_id
    import_id = await queue_import(
        world.database, organization_id, content, suppress_automations=str(quiet), dedupe_by="email"
    )
    process = await start_process(world.settings, DRIPPULSE_LOG_LEVEL="warning")
    peak = 0.0
    while process.returncode is None:
        peak = max(peak, _peak_megabytes(process.pid))
        await asyncio.sleep(0.1)
    row = await import_row(world.database, organization_id, import_id)
    assert row["status"] == "completed", row["problem"]
    assert row["created_count"] + row["updated_count"] == len(people), dict(row)
    seconds = (row["finished_at"] - row["started_at"]).total_seconds()
    return Figures(len(people) / seconds, peak)


async def _bare(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: int) -> float:
    """Rows a second of one COPY of the same rows, ids ready made, into the same table."""
    people = new_people()
    columns = ("id", "organization_id", "public_id", "email_key", *FIELDS)
    lines = [
        "\t".join((f"{number:032x}", str(organization_id), public_form("cnt", number), person[0], *person))
        for number, person in zip(new_numbers(len(people)), people, strict=True)
    ]
    source = io.BytesIO(("\n".join(lines) + "\n").encode())
    began = time.perf_counter()
    await connection.copy_to_table("contact", source=source, columns=columns, format="text")
    return len(people) / (time.perf_counter() - began)


def _add(results: Results, name: str, figures: Figures, bare: float) -> None:
    results.add(
        name,
        figures.rate,
        "rows/s",
        limit=f"{bare:,.0f} rows/s, a bare COPY",
        target=f">= {TARGET:,} rows/s in < {MEMORY_TARGET_MB} MB ({figures.megabytes:.0f} MB)",
        met=figures.rate >= TARGET and figures.megabytes < MEMORY_TARGET_MB,
    )


def _peak_megabytes(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0


def _in_database(superuser_url: str, of: str) -> str:
    name = urlsplit(of).path
    return urlunsplit(urlsplit(superuser_url)._replace(path=name)).replace(":///", "://@/")
