"""Pure decisions: when a source runs next, and which rows are new."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias

from drippulse.crm.importing.portions import text_of
from drippulse.workflows.cron import next_fire
from drippulse.workflows.wall_clock import zone

Cursor: TypeAlias = datetime | Decimal | str


class CursorType(StrEnum):
    """How values of the cursor column are compared."""

    TIMESTAMP = "timestamp"
    NUMBER = "number"
    TEXT = "text"


def next_run(cron: str | None, every_minutes: int | None, timezone: str, after: datetime) -> datetime | None:
    """The first time after `after`; None when it never comes.

    Every n minutes are counted from the beginning of 1970, so that a change of the definition moves nothing.
    """
    if cron is not None:
        return next_fire(cron, after, zone(timezone))
    if every_minutes is None:
        return None
    step = timedelta(minutes=every_minutes)
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + ((after - begin) // step + 1) * step


def read_cursor(kind: CursorType, value: Any) -> Cursor | None:
    """A value of the cursor column that can be compared with others; None for an empty one.

    Raises:
        ValueError: it is no time or no number; the message ends a sentence that begins with the column's name.
    """
    if value is None or value == "":
        return None
    if kind is CursorType.TIMESTAMP:
        return _moment(value)
    text = text_of(value).strip()
    if kind is CursorType.TEXT:
        return text or None
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError('must be a number such as "1200"') from None
    if not found.is_finite():
        raise ValueError('must be a number such as "1200"')
    return found


def cursor_text(value: Any) -> str:
    """As it is kept, and as templates have it."""
    return value.isoformat() if isinstance(value, datetime) else text_of(value).strip()


def _moment(value: Any) -> datetime:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(text_of(value).strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError('must be a time such as "2026-03-31T09:00:00Z"') from None
