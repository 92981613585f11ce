"""Time. Decisions use the database's clock; this one stamps what is not decided by."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

import orjson

WHOLE_SECOND: Final = len('"2026-01-31T09:00:00Z"')
WRITTEN: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """UTC ISO 8601 with `Z` and milliseconds, as every API answers it; orjson takes half the time of datetime. Without
    an offset it is in UTC, as the driver tells the infinities that are stored."""
    told = moment if moment.tzinfo is UTC or moment.tzinfo is None else moment.astimezone(UTC)
    text = orjson.dumps(told, option=WRITTEN)
    return f"{text[1:24].decode()}Z" if len(text) > WHOLE_SECOND else f"{text[1:20].decode()}.000Z"


def isoformat_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else isoformat(moment)


def sql_isoformat(sql: str) -> str:
    """SQL that writes a timestamptz as `isoformat` does."""
    return f"to_char(({sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
