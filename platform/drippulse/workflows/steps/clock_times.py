"""Times of day in step configs: `09:00`, without a date and without a zone."""

from datetime import time
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write the time as HH:MM, such as 09:00")
    return value.strip()


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("the time takes no offset; the zone stands in `timezone`")
    return value


def clock_text(value: time) -> str:
    """`09:00`; seconds only where there are any."""
    return value.isoformat("minutes" if not value.second and not value.microsecond else "auto")


ClockTime: TypeAlias = Annotated[
    time, BeforeValidator(_text), AfterValidator(_local), PlainSerializer(clock_text, return_type=str)
]
