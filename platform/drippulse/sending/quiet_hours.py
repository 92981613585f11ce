"""Quiet hours in somebody's wall time. Pure."""

from datetime import datetime, timedelta

from drippulse.sending.schemas import QuietHours
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.wall_clock import to_utc, wall_time, zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPREAD = timedelta(minutes=10)


def loud_again(rule: QuietHours, now: datetime, contact_zone: str, organization_zone: str) -> datetime:
    """`now` outside quiet hours, otherwise the instant at which they end.

    Exact over clock changes: an end that the clocks skip is reached when they have skipped it.
    """
    name = {"contact": contact_zone, "org": organization_zone}.get(rule.timezone, rule.timezone)
    try:
        tz = zone(name)
    except UnknownTimezoneError:
        tz = zone("UTC")
    today = wall_time(now, tz).date()
    for offset in (-1, 0):
        day = today + timedelta(days=offset)
        if rule.weekdays is not None and DAYS[day.weekday()] not in rule.weekdays:
            continue
        last = day if rule.end > rule.start else day + timedelta(days=1)
        opens, closes = to_utc(datetime.combine(day, rule.start), tz), to_utc(datetime.combine(last, rule.end), tz)
        if opens <= now < closes:
            return closes
    return now
