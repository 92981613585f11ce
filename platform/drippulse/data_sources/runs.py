"""Runs as callers know them: start them, look at them, stop them, read what was wrong."""

import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Final

from drippulse.data_sources import run_queries
from drippulse.data_sources.errors import NoSourceFileError, RunOpenError, RunOverError
from drippulse.data_sources.presentation import ERROR_HEADER, error_lines, present_run
from drippulse.data_sources.schemas import RunCreate
from drippulse.data_sources.service import require_data_source
from drippulse.data_sources.tables import RunTrigger, SourceType
from drippulse.kit.db import Database, Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Principal

AT_ONCE: Final = 2_000


async def start_run(session: Session, principal: Principal, data: RunCreate) -> dict[str, Any]:
    """A run that waits for a worker.

    Raises:
        NotFoundError: no such source.
        NoSourceFileError: nothing is uploaded yet.
        RunOpenError: one of this source is under way.
    """
    source = await require_data_source(session, principal, data.data_source_id, lock=True)
    if source["type"] == SourceType.CSV_UPLOAD and source["file_number"] is None:
        raise NoSourceFileError(source["id"])
    place = (principal.organization_id, source["id"])
    run_id = await run_queries.insert(
        session, *place, RunTrigger.MANUAL, source["cursor"], principal, from_start=data.from_start
    )
    if run_id is None:
        raise RunOpenError(await run_queries.open_of(session, *place))
    return present_run(await _found(session, principal, run_id))


async def list_runs(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    return await run_queries.page(session, principal.organization_id, wanted, present_run)


async def get_run(session: Session, principal: Principal, run_id: int) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ones alike."""
    return present_run(await _found(session, principal, run_id))


async def cancel_run(session: Session, principal: Principal, run_id: int) -> dict[str, Any]:
    """What is written stays; the portion that is being written is taken back. Raises RunOverError."""
    row = await _found(session, principal, run_id)
    if not await run_queries.cancel(session, principal.organization_id, run_id):
        raise RunOverError(row["status"])
    return await get_run(session, principal, run_id)


async def error_file(database: Database, principal: Principal, run_id: int) -> AsyncGenerator[bytes]:
    """What was wrong with which row, as CSV in pieces; cells that a spreadsheet would calculate are made texts."""
    yield _csv([ERROR_HEADER])
    after = 0
    while True:
        async with database.tenant(principal.organization_id) as session:
            rows = await run_queries.problems_after(session, principal.organization_id, run_id, after, AT_ONCE)
        if not rows:
            return
        yield _csv(error_lines(rows))
        after = rows[-1]["id"]


async def _found(session: Session, principal: Principal, run_id: int) -> Record:
    row = await run_queries.get(session, principal.organization_id, run_id)
    if row is None:
        raise not_found("data source run")
    return row


def _csv(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()
