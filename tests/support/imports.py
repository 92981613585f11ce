"""Files put into an organization as imports, without HTTP."""

import asyncio
import sys
from typing import Any

import orjson

from drippulse.crm.importing.process import MODULE
from drippulse.crm.importing.schemas import read_options
from drippulse.crm.importing.uploads import Upload
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Database, Record
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.support.processes import environment

EVERYTHING = """SELECT
  (SELECT count(*) FROM contact) AS contacts, (SELECT count(DISTINCT email_key) FROM contact) AS addresses,
  (SELECT count(*) FROM change_event WHERE action = 'create') AS creations,
  (SELECT count(*) FROM change_event WHERE action = 'update') AS updates,
  (SELECT count(*) FROM event WHERE type = 'contact.created') AS created_events,
  (SELECT count(*) FROM event WHERE type = 'contact.updated') AS updated_events,
  (SELECT count(*) FROM changeset) AS changesets,
  (SELECT count(*) FROM record_import_problem) AS problems,
  (SELECT count(*) FROM record_import_chunk) AS chunks"""


async def queue_import(
    database: Database, organization_id: int, content: bytes, kind: RecordType = RecordType.CONTACT, **fields: Any
) -> int:
    """The id of an import that waits."""
    principal = Principal(organization_id, MemberRole.ADMIN, "user", 1, "session:1")
    upload = Upload(database, principal, kind, 1 << 30)
    upload.file_name = "people.csv"
    for begin in range(0, len(content), 100_000):
        await upload.add(content[begin : begin + 100_000])
    texts = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in fields.items()}
    row = await upload.finish(read_options(kind, texts))
    return int(row["id"])


async def import_row(database: Database, organization_id: int, import_id: int) -> Record:
    async with database.tenant(organization_id) as session:
        row = await session.fetchrow("SELECT * FROM record_import WHERE id = $1", import_id)
    assert row is not None
    return row


async def everything(database: Database, organization_id: int) -> dict[str, int]:
    """How many of what there are in an organization."""
    async with database.tenant(organization_id) as session:
        row = await session.fetchrow(EVERYTHING)
    assert row is not None
    return dict(row)


async def start_process(settings: Settings, **changes: str) -> asyncio.subprocess.Process:
    """The process that carries imports out."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE), stdin=asyncio.subprocess.PIPE, env=environment(settings, **changes)
    )


async def run_process(settings: Settings, **changes: str) -> int:
    """The same until it ends by itself; its exit code."""
    process = await start_process(settings, **changes)
    return await asyncio.wait_for(process.wait(), 60)
