"""What a change leaves to be undone, and what a record was. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from piccolo.columns import JSONB, Date, Numeric, Timestamptz
from piccolo.columns import UUID as UUIDColumn  # noqa: N811 - Piccolo's class of the same name

from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.json import dump_json

Values = Mapping[str, Any]
UNTOUCHED = frozenset({"id", "public_id", "created_at", "updated_at"})
"""No change sets these back."""
CHANGED = "It was changed since."
FOLLOWING = frozenset({"status", "closed_at", "stage_position"})
"""Of an opportunity: what its stage decides."""


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that is not set back."""

    field: str
    expected: Any
    found: Any
    reason: str = CHANGED


@dataclass(slots=True)
class Undoing:
    """Fields to set back (values as answers show them), and those that are left alone."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    conflicts: list[FieldConflict] = field(default_factory=list[FieldConflict])


def undo(before: Values, after: Values, current: Values) -> Undoing:
    """Field by field: what still is as the change left it goes back, what is already back is nothing to do."""
    undoing = Undoing()
    for name, was in before.items():
        if name in UNTOUCHED or name not in current or current[name] == was:
            continue
        if current[name] == after.get(name):
            undoing.values[name] = was
        else:
            undoing.conflicts.append(FieldConflict(name, after.get(name), current[name]))
    return undoing


def at_creation(current: Values, later: Iterable[Values]) -> dict[str, Any]:
    """A record as it was created: what it is today with the `before` of all later changes, newest first, applied."""
    state = dict(current)
    for before in later:
        state.update((name, value) for name, value in before.items() if name not in UNTOUCHED)
    state.pop("updated_at", None)
    return {name: value for name, value in state.items() if value not in (None, "", [], {})}


def stored(kind: RecordType, values: Values, current: Values) -> dict[str, Any]:
    """Values of answers as columns take them. Keys of custom fields that are to go are null."""
    columns = SPECS[kind].columns
    found = {name: _stored(columns[name], name, value, current) for name, value in values.items() if name in columns}
    if "email" in found:
        found["email_key"] = None if found["email"] is None else same_mailbox_key(found["email"])
    if kind is RecordType.OPPORTUNITY and "pipeline_stage_id" in found:
        found = {name: value for name, value in found.items() if name not in FOLLOWING}
    return found


def _stored(column: Any, name: str, value: Any, current: Values) -> Any:
    if value is None:
        return None
    if isinstance(column, JSONB):
        gone = dict.fromkeys(current.get(name) or {}) if name == "custom_fields" else {}
        return dump_json({**gone, **value})
    if isinstance(column, UUIDColumn):
        return UUID(value)
    if isinstance(column, Timestamptz):
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(column, Date):
        return date.fromisoformat(value)
    return Decimal(str(value)) if isinstance(column, Numeric) else value
