"""Reads and writes of billing. Every statement names the organization; row-level security is the second net."""

from drippulse.kit.db import Record, Session

BILLING = "SELECT o.billing, o.updated_at FROM organization o WHERE o.id = $1"
UPDATE = "UPDATE organization o SET billing = $2, updated_at = now() WHERE o.id = $1"

USAGE = """WITH period AS (
  SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS starts,
    (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date AS ends
)
SELECT p.starts AS period_start, p.ends AS period_end,
  (SELECT coalesce(sum(t.sent), 0)::bigint FROM send_total t
   WHERE t.organization_id = $1 AND t.day >= p.starts AND t.day < p.ends) AS mails_sent,
  (SELECT coalesce(sum(u.requests), 0)::bigint FROM api_key_usage u JOIN api_key k
     ON k.organization_id = u.organization_id AND k.id = u.key_id
   WHERE k.organization_id = $1 AND u.day >= p.starts AND u.day < p.ends) AS api_requests,
  (SELECT count(*) FROM membership m WHERE m.organization_id = $1 AND m.status = 'active') AS members
FROM period p"""
RECORDS = """SELECT record_type, sum(delta)::bigint AS records FROM record_tally
WHERE organization_id = $1 GROUP BY record_type"""


async def billing(session: Session, organization_id: int, *, lock: bool = False) -> Record | None:
    return await session.fetchrow(f"{BILLING}{' FOR NO KEY UPDATE' if lock else ''}", organization_id)


async def update(session: Session, organization_id: int, billing_json: str) -> None:
    await session.execute(UPDATE, organization_id, billing_json)


async def usage(session: Session, organization_id: int) -> Record:
    return (await session.fetch(USAGE, organization_id))[0]


async def records(session: Session, organization_id: int) -> list[Record]:
    return await session.fetch(RECORDS, organization_id)
