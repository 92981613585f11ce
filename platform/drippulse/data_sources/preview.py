"""What a run would do with the first rows of a source: they are read, written, looked at, and taken back."""

import asyncio
from typing import Any, Final

from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.presentation import count_outcomes
from drippulse.crm.importing.rows import Bad
from drippulse.crm.importing.sink import RecordSink
from drippulse.crm.importing.trying import try_portion
from drippulse.data_sources.definitions import Definition, read_definition
from drippulse.data_sources.errors import NoSourceFileError, SourceError
from drippulse.data_sources.opening import Opening
from drippulse.data_sources.reading import mapper_of, target_of
from drippulse.data_sources.rows import Mapped, RowMapper, shown_row
from drippulse.data_sources.service import require_data_source
from drippulse.data_sources.sources.base import Batch, Limits, Start
from drippulse.data_sources.tables import SourceType
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.http import OutboundHttp
from drippulse.organizations.policy import Principal
from drippulse.settings import Settings
from drippulse.workflows.templates import shared_templates

PREVIEW_LIMITS: Final = Limits(
    file_bytes=32 << 20,
    document_bytes=8 << 20,
    call_seconds=20,
    file_seconds=20,
    silence_seconds=10,
    attempts=1,
)
PREVIEW_SECONDS: Final = 30.0


async def preview_source(
    settings: Settings, database: Database, vault: Vault, principal: Principal, source_id: int, rows: int
) -> dict[str, Any]:
    """The same with connections of its own, which are closed at the end."""
    http = OutboundHttp(settings.egress_allow, development=settings.development)
    try:
        opening = Opening(settings, database, vault, http, shared_templates(), PREVIEW_LIMITS)
        return await preview(opening, principal, source_id, rows)
    finally:
        await http.aclose()


async def preview(opening: Opening, principal: Principal, source_id: int, rows: int) -> dict[str, Any]:
    """As `SourcePreview`; nothing is stored, and the cursor does not count.

    Raises:
        NotFoundError, NoSourceFileError
        SourceError: the source cannot be read.
    """
    async with opening.database.tenant(principal.organization_id) as session:
        row = await require_data_source(session, principal, source_id)
        definition = read_definition(row)
        custom = await load_custom_fields(session, definition.data.record_type, principal.organization_id)
    if definition.type is SourceType.CSV_UPLOAD and definition.file_number is None:
        raise NoSourceFileError(source_id)
    mapper = mapper_of(definition, custom, opening.templates)
    batch, more = await _first(opening, definition, custom, rows)
    mapped = await asyncio.to_thread(mapper.take, batch)
    shown = await _try(opening, definition, mapper, mapped)
    mapping = mapper.mapping or {}
    return {
        "data_source_id": source_id,
        "record_type": definition.data.record_type.value,
        "columns": list(mapper.columns),
        "mapping": dict(mapping),
        "unmapped_columns": [name for name in mapper.columns if name not in mapping],
        "counts": count_outcomes(one["outcome"] for one in shown),
        "rows": shown,
        "more_rows": more,
    }


async def _first(opening: Opening, definition: Definition, custom: Any, rows: int) -> tuple[Batch, bool]:
    """The first batch, and whether rows follow."""
    source = await opening.open(definition, custom, None, head_only=True)
    batches = source.batches(Start(None, 0, None, rows + 1))
    try:
        async with asyncio.timeout(PREVIEW_SECONDS):
            batch = await anext(batches, None)
    except TimeoutError:
        raise SourceError(f"The source gave no rows within {PREVIEW_SECONDS:.0f} seconds.") from None
    finally:
        await batches.aclose()
    if batch is None:
        return Batch([], {}, 0), False
    more = len(batch.rows) > rows
    batch.rows = batch.rows[:rows]
    return batch, more


async def _try(opening: Opening, definition: Definition, mapper: RowMapper, mapped: Mapped) -> list[dict[str, Any]]:
    """Rows as `PreviewRow`, in the source's order."""
    target = target_of(definition, mapper, quiet=True)
    async with opening.database.tenant(definition.organization_id) as session:
        sink = await RecordSink.open(session, target)
        tried = await try_portion(session, sink, await asyncio.to_thread(sink.read, mapped.rows))
    shown = [
        {**tried.shown(index, number), "source": shown_row(mapped.originals[number])}
        for index, (number, _) in enumerate(mapped.rows)
    ]
    shown += [_unreadable(bad) for bad in mapped.bad]
    return sorted(shown, key=lambda one: one["row"])


def _unreadable(bad: Bad) -> dict[str, Any]:
    problem = {"column": "", "value": "", "message": bad.message}
    source = {"row": " ".join(bad.cells)[:500]} if bad.cells else {}
    return {
        "row": bad.number,
        "outcome": "failed",
        "source": source,
        "record": None,
        "changes": {},
        "problems": [problem],
    }
