"""Showing what clients ask for."""

from datetime import date
from typing import Any

from drippulse.graphql_clients.usage import queries
from drippulse.kit.db import Session
from drippulse.organizations.keys.service import period
from drippulse.organizations.policy import Principal

MOST = 1000


async def usage(
    session: Session,
    principal: Principal,
    today: date,
    since: date | None,
    until: date | None,
    *,
    client: str | None = None,
    deprecated: bool | None = None,
) -> dict[str, Any]:
    """Requests by client and operation, both days included; the last 30 days unless told otherwise.

    Args:
        deprecated: true for the uses of deprecated fields alone, false for operations alone.

    Raises:
        ValidationError: the days are in the wrong order or too far apart.
    """
    days = period(today, since, until)
    rows = await queries.usage(session, principal.organization_id, days, client, deprecated, MOST)
    return {
        "usage": [
            {
                **{name: row[name] for name in ("client", "version", "operation", "requests")},
                "field": row["field"] or None,
                "first_day": row["first_day"].isoformat(),
                "last_day": row["last_day"].isoformat(),
            }
            for row in rows
        ],
        "total_count": rows[0]["total"] if rows else 0,
        "since": days[0].isoformat(),
        "until": days[1].isoformat(),
    }
