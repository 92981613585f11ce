"""Imports as answers have them. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from drippulse.crm.importing.state import Outcome
from drippulse.crm.importing.tables import ImportStatus
from drippulse.crm.presentation import Row
from drippulse.kit.clock import isoformat

BASE = "/api/v1/crm/imports"
PLURAL = {Outcome.DUPLICATE: "duplicates"}
"""What answers call an outcome otherwise than the table does."""
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to some spreadsheet; the last four are full-width."""


def present(row: Row, undo: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """As `ImportOut`."""
    options = orjson.loads(row["options"])
    layout: dict[str, Any] = {} if row["layout"] is None else orjson.loads(row["layout"])
    columns: list[str] = layout.get("columns", [])
    mapping: dict[str, str] = layout.get("mapping", {})
    return {
        "id": row["id"],
        "record_type": row["record_type"],
        "status": row["status"],
        "file_name": row["file_name"],
        "format": layout.get("format"),
        "bytes": row["bytes"],
        "encoding": layout.get("encoding"),
        "delimiter": layout.get("delimiter"),
        "columns": columns,
        "mapping": mapping,
        "unmapped_columns": [name for name in columns if name not in mapping],
        "notices": layout.get("notices", []),
        **{name: options[name] for name in ("on_existing", "dedupe_by", "suppress_automations", "tags", "owner_id")},
        "counts": counts_of(row),
        "progress": _progress(row, layout),
        "problem": row["problem"],
        "changeset_id": row["changeset_id"],
        "undo": None if undo is None else {**undo, "counts": orjson.loads(undo["counts"])},
        "links": _links(row["id"]),
        **{name: _moment(row[name]) for name in ("created_at", "started_at", "finished_at")},
    }


def count_outcomes(outcomes: Iterable[str]) -> dict[str, int]:
    """As `ImportCounts`."""
    return _named(Counter(outcomes))


def counts_of(row: Row) -> dict[str, int]:
    """As `ImportCounts`, of a row that has a column for each outcome."""
    return _named({outcome: int(row[f"{outcome}_count"]) for outcome in Outcome})


def error_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[list[str]]:
    """Cells of the file of what was wrong, which is safe to open in a spreadsheet."""
    width = len(columns)
    for row in rows:
        original = [*row["original"]][:width]
        original += [""] * (width - len(original))
        yield [str(row["row_number"]), *map(harmless, (row["column_name"], row["value"], row["message"], *original))]


def error_header(columns: Sequence[str]) -> list[str]:
    return ["row", "column", "value", "message", *map(harmless, columns)]


def harmless(cell: str) -> str:
    """What would be a formula becomes text."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    named = {
        "duplicates" if outcome is Outcome.DUPLICATE else outcome.value: counts.get(outcome, 0) for outcome in Outcome
    }
    return {"rows": sum(named.values()), **named}


def _progress(row: Row, layout: dict[str, Any]) -> dict[str, int]:
    size = int(layout.get("size") or row["bytes"] or 0)
    if row["status"] == ImportStatus.COMPLETED:
        return {"bytes_done": row["bytes"], "percent": 100}
    share = min(row["position"] / size, 1.0) if size and layout else 0.0
    return {"bytes_done": int(row["bytes"] * share), "percent": int(100 * share)}


def _links(import_id: int) -> dict[str, str]:
    own = f"{BASE}/{import_id}"
    return {
        "self": own,
        "events": f"{own}/events",
        "errors": f"{own}/errors.csv",
        "cancel": f"{own}/cancel",
        "undo": f"{own}/undo",
    }


def _moment(value: Any) -> str | None:
    return None if value is None else isoformat(value)
