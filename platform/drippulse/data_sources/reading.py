"""What runs and previews share: where rows go, and how they are mapped."""

from typing import Any

import orjson

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.importing.custom import CustomFields
from drippulse.crm.importing.sink import Target
from drippulse.crm.presentation import Row
from drippulse.data_sources.definitions import Definition
from drippulse.data_sources.rows import RowMapper
from drippulse.data_sources.state import Cursor, read_cursor
from drippulse.events.service import SystemActor
from drippulse.workflows.templates import Templates

ACTOR = "data_source"


def target_of(
    definition: Definition, mapper: RowMapper, changeset_id: int | None = None, *, quiet: bool | None = None
) -> Target:
    """The changes are those of an actor `data_source` with the source's id, all of one run in one changeset."""
    data = definition.data
    silent = data.suppress_automations if quiet is None else quiet
    return Target(
        data.record_type,
        SystemActor(definition.organization_id, ACTOR, definition.id),
        OpenChangeset(Source.DATA_SOURCE, data.name, quiet=silent, id=changeset_id),
        data.on_existing,
        tuple(data.dedupe_by),
        tuple(data.tags),
        data.owner_id,
        mapper.constants,
        data.date_order,
    )


def mapper_of(definition: Definition, custom: CustomFields, templates: Templates, run: Row | None = None) -> RowMapper:
    """For a run that may have begun already; without one for everything."""
    mapping: Any = None if run is None or run["mapping"] is None else orjson.loads(run["mapping"])
    return RowMapper(
        definition.data.record_type,
        definition.data,
        custom,
        templates,
        system=f"{ACTOR}_{definition.id}",
        mapping=mapping,
        cursor_from=None if run is None else last_cursor(definition, run["cursor_from"]),
        cursor_to=None if run is None else run["cursor_to"],
    )


def last_cursor(definition: Definition, text: str | None) -> Cursor | None:
    """The cursor of an earlier run; None when it is of another column's type."""
    incremental = definition.data.incremental
    if incremental is None or text is None:
        return None
    try:
        return read_cursor(incremental.type, text)
    except ValueError:
        return None
