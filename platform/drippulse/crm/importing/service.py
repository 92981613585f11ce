"""Imports as callers know them: look at them, stop them, read what was wrong."""

import csv
import io
from collections.abc import AsyncGenerator
from typing import Any

import orjson

from drippulse.crm.importing import queries
from drippulse.crm.importing.errors import ImportOverError
from drippulse.crm.importing.presentation import error_header, error_lines, present
from drippulse.crm.importing.tables import ImportStatus
from drippulse.events.service import Actor
from drippulse.kit.db import Database, Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import ListRequest

AT_ONCE = 2_000


async def get_import(session: Session, actor: Actor, import_id: int) -> Record:
    """Raises NotFoundError for unknown and foreign ones alike."""
    row = await queries.get(session, actor.organization_id, import_id) if is_id(import_id) else None
    if row is None:
        raise not_found("import")
    return row


async def list_imports(session: Session, actor: Actor, wanted: ListRequest) -> dict[str, Any]:
    return await queries.page(session, actor.organization_id, wanted, present)


async def cancel_import(session: Session, actor: Actor, import_id: int) -> Record:
    """What is written stays; the portion that is being written is taken back. Raises ImportOverError."""
    row = await get_import(session, actor, import_id)
    if not await queries.end(session, actor.organization_id, import_id, ImportStatus.CANCELLED, None):
        row = await get_import(session, actor, import_id)
        raise ImportOverError(row["status"])
    return await get_import(session, actor, import_id)


async def error_file(database: Database, actor: Actor, row: Record) -> AsyncGenerator[bytes]:
    """What was wrong with which row, as CSV in pieces; cells that a spreadsheet would calculate are made texts."""
    columns: list[str] = [] if row["layout"] is None else orjson.loads(row["layout"])["columns"]
    yield _csv([error_header(columns)])
    after = 0
    while True:
        async with database.tenant(actor.organization_id) as session:
            rows = await queries.problems_after(session, actor.organization_id, row["id"], after, AT_ONCE)
        if not rows:
            return
        yield _csv([*error_lines(columns, rows)])
        after = rows[-1]["id"]


def _csv(lines: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()
