"""Data sources and runs as answers have them. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from drippulse.crm.importing.presentation import counts_of, harmless
from drippulse.crm.presentation import Row
from drippulse.data_sources.definitions import stored_fields
from drippulse.kit.clock import isoformat, isoformat_or_none

RUNS: Final = "/api/v1/data_source_runs"
ERROR_HEADER: Final = ["row", "column", "value", "message", "source"]


def present(row: Row) -> dict[str, Any]:
    """As `DataSourceOut`."""
    file = None
    if row["file_number"] is not None:
        file = {"name": row["file_name"], "bytes": row["file_bytes"], "uploaded_at": isoformat(row["file_at"])}
    return {
        "id": row["id"],
        **stored_fields(row),
        "secret_names": list(row["secret_names"]),
        "cursor": row["cursor"],
        "file": file,
        "next_run_at": isoformat_or_none(row["next_run_at"]),
        "last_run_id": row["last_run_id"],
        "last_run_status": row["last_run_status"],
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


def present_run(row: Row) -> dict[str, Any]:
    """As `DataSourceRunOut`."""
    own = f"{RUNS}/{row['id']}"
    started, finished = row["started_at"], row["finished_at"]
    names = ("trigger", "status", "from_start", "bytes", "problem_count", "problem", "cursor_from", "cursor_to")
    return {
        **{name: row[name] for name in ("id", "data_source_id", "record_type", *names, "changeset_id")},
        "mapping": {} if row["mapping"] is None else orjson.loads(row["mapping"]),
        "counts": counts_of(row),
        "rows_read": row["row_number"],
        "duration_seconds": None
        if started is None or finished is None
        else round((finished - started).total_seconds(), 3),
        "links": {"self": own, "errors": f"{own}/errors.csv", "cancel": f"{own}/cancel"},
        "created_at": isoformat(row["created_at"]),
        "started_at": isoformat_or_none(started),
        "finished_at": isoformat_or_none(finished),
    }


def error_lines(rows: Iterable[Row]) -> Iterator[list[str]]:
    """Cells of the file of what was wrong, which is safe to open in a spreadsheet."""
    for row in rows:
        cells = (row["column_name"], row["value"], row["message"], row["original"])
        yield [str(row["row_number"]), *map(harmless, cells)]
