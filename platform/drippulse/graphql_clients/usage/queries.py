"""Reads of what clients ask for. Every statement names the organization; row-level security is the second net."""

from datetime import date

from drippulse.kit.db import Record, Session

USAGE = """SELECT u.client, u.version, u.operation, u.field, sum(u.requests)::bigint AS requests,
  min(u.day) AS first_day, max(u.day) AS last_day, count(*) OVER () AS total
FROM graphql_usage u
WHERE u.organization_id = $1 AND u.day BETWEEN $2 AND $3 AND ($4::text IS NULL OR u.client = $4)
  AND ($5::boolean IS NULL OR (u.field <> '') = $5)
GROUP BY u.client, u.version, u.operation, u.field ORDER BY requests DESC, 1, 2, 3, 4 LIMIT $6"""


async def usage(
    session: Session,
    organization_id: int,
    days: tuple[date, date],
    client: str | None,
    deprecated: bool | None,
    most: int,
) -> list[Record]:
    return await session.fetch(USAGE, organization_id, *days, client, deprecated, most)
