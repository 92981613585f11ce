"""Writing a bundle, or the CSV of one record type, piece by piece: the memory does not grow with the rows."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from drippulse.crm.bundles import csv_cells
from drippulse.crm.bundles import export_queries as queries
from drippulse.crm.bundles.errors import ExportsRunningError
from drippulse.crm.bundles.rows import KINDS, VERSION, bundle_row, references_of
from drippulse.crm.custom_fields.queries import definitions
from drippulse.crm.custom_fields.schemas import READ_ONLY
from drippulse.crm.custom_fields.service import definitions_of, present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Database, Record, Session

Encode: TypeAlias = Callable[[Sequence[dict[str, Any]]], bytes]
FEW, MANY = 64, 2048
PIECE_BYTES = 1_000_000
"""About as much is read and sent at once; rows may be of very different size."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export. `since`: records changed then or later."""

    kinds: tuple[RecordType, ...] = KINDS
    since: datetime | None = None
    include_deleted: bool = False
    formula_safe: bool = True


async def bundle(
    database: Database, organization_id: int, options: ExportOptions, now: datetime
) -> AsyncGenerator[bytes]:
    """A JSON document, all of it as of one moment."""
    async with database.tenant(organization_id) as session:
        await _begin(session, organization_id)
        head = {"version": VERSION, "exported_at": isoformat(now), "organization_id": organization_id}
        head |= await _settings(session, organization_id)
        yield orjson.dumps(head)[:-1]
        for kind in options.kinds:
            yield f',"{SPECS[kind].plural}":['.encode()
            between = b""
            async for piece in _portions(session, kind, organization_id, options, _members):
                yield between + piece
                between = b","
            yield b"]"
        yield b"}"


async def csv_file(
    database: Database, organization_id: int, kind: RecordType, options: ExportOptions
) -> AsyncGenerator[bytes]:
    """The records of one type; the first line has the names of the columns."""
    names = [*SPECS[kind].columns, *(("deleted_at", "merged_into") if options.include_deleted else ())]
    async with database.tenant(organization_id) as session:
        await _begin(session, organization_id)
        yield csv_cells.lines([names], formula_safe=False)

        def encode(rows: Sequence[dict[str, Any]]) -> bytes:
            cells = ([row.get(name) for name in names] for row in rows)
            return csv_cells.lines(cells, formula_safe=options.formula_safe)

        async for piece in _portions(session, kind, organization_id, options, encode):
            yield piece


def _members(rows: Sequence[dict[str, Any]]) -> bytes:
    return orjson.dumps(rows)[1:-1]


async def _begin(session: Session, organization_id: int) -> None:
    await queries.one_moment(session)
    if not await queries.take_slot(session, organization_id):
        raise ExportsRunningError


async def _settings(session: Session, organization_id: int) -> dict[str, Any]:
    """What is no record and yet needed to read them: members, pipelines, custom fields."""
    stages: dict[Any, list[dict[str, Any]]] = {}
    for stage in await session.fetch(queries.STAGES, organization_id):
        values = {name: value for name, value in stage.items() if name != "pipeline_id"}
        stages.setdefault(stage["pipeline_id"], []).append(values)
    pipelines = [
        {
            "public_id": row["public_id"],
            "name": row["name"],
            "owner_id": row["user_id"],
            "is_default": row["is_default"],
            "stages": stages.get(row["id"], []),
        }
        for row in await session.fetch(queries.PIPELINES, organization_id)
    ]
    owners = [dict(row) for row in await session.fetch(queries.OWNERS, organization_id)]
    fields = [
        {name: value for name, value in present(row).items() if name not in READ_ONLY}
        for kind in KINDS
        for row in await definitions(session, organization_id, kind)
    ]
    return {"owners": owners, "pipelines": pipelines, "custom_fields": fields}


async def _portions(
    session: Session, kind: RecordType, organization_id: int, options: ExportOptions, encode: Encode
) -> AsyncGenerator[bytes]:
    places = await queries.place_ids(session, organization_id) if kind is RecordType.OPPORTUNITY else {}
    await queries.open_rows(session, kind, organization_id, since=options.since, deleted=options.include_deleted)
    defined = await definitions_of(session, kind, organization_id)
    count = FEW
    while rows := await queries.next_rows(session, kind, count):
        known = await _known(session, kind, organization_id, rows)
        piece = encode([bundle_row(kind, row, known, places, defined) for row in rows])
        yield piece
        count = _power_of_two(min(MANY, PIECE_BYTES * len(rows) // max(len(piece), 1)))
    await queries.close_rows(session, kind)


def _power_of_two(count: int) -> int:
    """The greatest that is not above: few different statements."""
    return 1 << max(count, 1).bit_length() - 1


async def _known(
    session: Session, kind: RecordType, organization_id: int, rows: Sequence[Record]
) -> dict[Any, tuple[str, bool]]:
    targets: dict[RecordType, set[Any]] = {}
    for column, target in references_of(kind).items():
        targets.setdefault(target, set()).update(row[column] for row in rows if row[column] is not None)
    targets.setdefault(kind, set()).update(row["merged_into_id"] for row in rows if row["merged_into_id"] is not None)
    known: dict[Any, tuple[str, bool]] = {}
    for target, ids in targets.items():
        if ids:
            known |= await queries.public_ids(session, target, organization_id, ids)
    return known
