"""What Schemathesis makes up for formats of which only a part is taken."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import available_timezones

import schemathesis
from hypothesis import strategies as st

FIRST, LAST = 1970, 2199
"""Years that everything takes; the schemas cannot say so."""
ZONES: Final = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))  # these are no names of zones
DAYS: Final = st.dates(date(FIRST, 1, 1), date(LAST, 12, 31)).map(date.isoformat)
MOMENTS: Final = st.datetimes(
    datetime(FIRST, 1, 1),  # noqa: DTZ001 - naive bounds are asked for
    datetime(LAST, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(datetime.isoformat)


def use_storable_formats() -> None:
    """Say so to Schemathesis, for this process."""
    for name, strategy in (("iana-time-zone", ZONES), ("date", DAYS), ("date-time", MOMENTS)):
        schemathesis.openapi.format(name, strategy)
