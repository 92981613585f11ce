"""Reads and writes of send safety. Every statement names its organizations: some run under the engine's role."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drippulse.kit.db import Record, Session
from drippulse.sending.state import Admitted, Bucket, Key, Room
from drippulse.sending.tables import WAIT_REASONS, Breaker

# Held shared until the intent has committed: a stop that commits later comes after that mail, an earlier one is seen.
STATES = """
WITH held AS (SELECT organization_id, breaker FROM sending_state WHERE organization_id = ANY ($1) FOR SHARE)
SELECT o.id, o.sending, o.timezone, coalesce(h.breaker, 'ok') AS breaker, now() AS now
FROM organization o LEFT JOIN held h ON h.organization_id = o.id WHERE o.id = ANY ($1)
"""

BEGUN = """
SELECT d.organization_id, d.enrollment_id, d.visit FROM unnest($1::bigint[], $2::bigint[], $3::int[])
  AS m(organization_id, enrollment_id, visit)
JOIN delivery d USING (organization_id, enrollment_id, visit)
"""

# One order for everybody, so that two groups cannot wait for each other in a circle.
LOCK = """
INSERT INTO send_count AS c (organization_id, scope, key, seconds, starts_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::timestamptz[])
  AS b(organization_id, scope, key, seconds, starts_at)
ORDER BY organization_id, scope COLLATE "C", key COLLATE "C", seconds, starts_at
ON CONFLICT (organization_id, scope, key, seconds, starts_at) DO UPDATE SET sent = c.sent
RETURNING c.organization_id, c.scope, c.key, c.seconds, c.starts_at, c.sent, c.put_off
"""

BOOK = """
UPDATE send_count c SET sent = c.sent + b.sent, put_off = c.put_off + b.put_off
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::bigint[], $7::bigint[])
  AS b(organization_id, scope, key, seconds, starts_at, sent, put_off)
WHERE c.organization_id = b.organization_id AND c.scope = b.scope AND c.key = b.key AND c.seconds = b.seconds
  AND c.starts_at = b.starts_at
"""

TOTALS = """
SELECT coalesce(sum(sent), 0)::bigint AS sent, coalesce(sum(delivered), 0)::bigint AS delivered,
  coalesce(sum(bounced), 0)::bigint AS bounced, coalesce(sum(soft_bounced), 0)::bigint AS soft_bounced,
  coalesce(sum(complained), 0)::bigint AS complained,
  coalesce(sum(sent - forgiven_sent), 0)::bigint AS counted_sent,
  coalesce(sum(bounced - forgiven_bounced), 0)::bigint AS counted_bounced,
  coalesce(sum(complained - forgiven_complained), 0)::bigint AS counted_complained
FROM send_total WHERE organization_id = $1 AND day > (now() AT TIME ZONE 'UTC')::date - $2::int
"""

STATE = """
SELECT o.sending, o.timezone, coalesce(s.breaker, 'ok') AS breaker, coalesce(s.since, o.created_at) AS since,
  coalesce(s.reason, '') AS reason, coalesce(s.note, '') AS note,
  coalesce(s.bounce_generation, 1) AS bounce_generation, s.confirm_url, now() AS now
FROM organization o LEFT JOIN sending_state s ON s.organization_id = o.id WHERE o.id = $1
"""

# Written out, so that the planner knows the partial index by it.
REASONS = ", ".join(f"'{reason}'" for reason in WAIT_REASONS)

# Locked in the order of ids, as every batch locks them; the fence ends what a worker is about to write.
REISSUE = f"""
WITH due AS (
  SELECT id FROM enrollment WHERE organization_id = $1 AND status = 'active' AND wait_reason IN ({REASONS})
  ORDER BY id FOR NO KEY UPDATE)
UPDATE enrollment e SET next_run_at = now(), claimable_at = CASE WHEN e.holds = 0 THEN now() END,
  fence = e.fence + 1, updated_at = now()
FROM due WHERE e.organization_id = $1 AND e.id = due.id
"""

COUNTS = """
SELECT scope, key, seconds, starts_at, sent, put_off FROM send_count
WHERE organization_id = $1 AND starts_at > now() - interval '7 days'
  AND starts_at + make_interval(secs => seconds) > now()
ORDER BY put_off DESC, sent DESC LIMIT 100
"""

WAITING = f"""
SELECT wait_reason, count(*) AS enrollments FROM enrollment
WHERE organization_id = $1 AND status = 'active' AND wait_reason IN ({REASONS}) GROUP BY 1
"""

TROUBLED = """
SELECT DISTINCT organization_id FROM send_total
WHERE (bounced > 0 OR complained > 0) AND day > (now() AT TIME ZONE 'UTC')::date - 90
"""

FORGIVE = """
UPDATE send_total SET forgiven_sent = sent, forgiven_bounced = bounced, forgiven_complained = complained
WHERE organization_id = $1 AND day > (now() AT TIME ZONE 'UTC')::date - 90
"""


async def states(session: Session, organizations: Sequence[int]) -> list[Record]:
    """Of each organization: id, sending (JSON text), timezone, breaker, and the database's now. Locks the breaker."""
    return await session.fetch(STATES, sorted(set(organizations)))


async def begun(session: Session, mails: Sequence[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    """Of (organization, enrollment, visit), those whose mail was begun before: they are counted already."""
    rows = await session.fetch(BEGUN, *(list(column) for column in zip(*mails, strict=True)))
    return {(row["organization_id"], row["enrollment_id"], row["visit"]) for row in rows}


async def lock_rooms(session: Session, buckets: set[Bucket]) -> dict[Bucket, Room]:
    """What these windows hold; nobody else changes them until this transaction ends."""
    rows = await session.fetch(LOCK, *_columns(sorted(buckets)))
    return {
        Bucket(row["organization_id"], row["scope"], row["key"], row["seconds"], row["starts_at"]): Room(
            row["sent"], row["put_off"]
        )
        for row in rows
    }


async def book(session: Session, admitted: Admitted, written: set[Key]) -> None:
    """Count those of the admitted whose intents were written, and those who found a window full."""
    sent: dict[Bucket, int] = {}
    for key, buckets in admitted.reserved.items():
        for bucket in buckets if key in written else ():
            sent[bucket] = sent.get(bucket, 0) + 1
    buckets = sorted(sent.keys() | admitted.full.keys())
    if buckets:
        added = [sent.get(bucket, 0) for bucket in buckets]
        put_off = [admitted.full.get(bucket, 0) for bucket in buckets]
        await session.execute(BOOK, *_columns(buckets), added, put_off)


def _columns(buckets: Sequence[Bucket]) -> tuple[list[int], list[str], list[str], list[int], list[datetime]]:
    return (
        [bucket.organization_id for bucket in buckets],
        [str(bucket.scope) for bucket in buckets],
        [bucket.key for bucket in buckets],
        [bucket.seconds for bucket in buckets],
        [bucket.starts_at for bucket in buckets],
    )


async def window_totals(session: Session, organization_id: int, days: int) -> Record:
    """Sums over the last `days` UTC days, today included; `counted_*` leave out what a reset forgave."""
    [row] = await session.fetch(TOTALS, organization_id, days)
    return row


async def add_totals(session: Session, organization_id: int, counts: Mapping[str, int]) -> None:
    """Add to today's `delivered`, `bounced`, `soft_bounced`, `complained`."""
    names = ("delivered", "bounced", "soft_bounced", "complained")
    if any(counts.values()):
        await session.execute(
            """INSERT INTO send_total AS t (organization_id, day, shard, delivered, bounced, soft_bounced, complained)
               VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 16 + pg_backend_pid() % 16, $2, $3, $4, $5)
               ON CONFLICT (organization_id, day, shard) DO UPDATE SET delivered = t.delivered + excluded.delivered,
                 bounced = t.bounced + excluded.bounced, soft_bounced = t.soft_bounced + excluded.soft_bounced,
                 complained = t.complained + excluded.complained""",
            organization_id,
            *(counts.get(name, 0) for name in names),
        )


async def state(session: Session, organization_id: int) -> Record:
    """sending (JSON text), timezone, breaker, since, reason, note, bounce_generation, confirm_url, now."""
    row = await session.fetchrow(STATE, organization_id)
    if row is None:
        raise LookupError(f"organization {organization_id} does not exist")
    return row


async def find_state(session: Session, organization_id: int) -> Record | None:
    """The same; None when there is no such organization."""
    return await session.fetchrow(STATE, organization_id)


async def set_breaker(session: Session, organization_id: int, before: Breaker, after: Breaker, reason: str) -> bool:
    """False when somebody else changed it first."""
    changed = await session.fetchval(
        """INSERT INTO sending_state AS s (organization_id, breaker, reason) VALUES ($1, $3, $4)
           ON CONFLICT (organization_id) DO UPDATE SET breaker = $3, reason = $4, since = now() WHERE s.breaker = $2
           RETURNING organization_id""",
        organization_id,
        before.value,
        after.value,
        reason,
    )
    return changed is not None


async def reset_breaker(session: Session, organization_id: int, note: str) -> None:
    """The breaker is locked first, as it is by those who send."""
    await session.execute(
        """INSERT INTO sending_state (organization_id, note) VALUES ($1, $2) ON CONFLICT (organization_id)
           DO UPDATE SET breaker = 'ok', reason = '', note = $2, since = now()""",
        organization_id,
        note,
    )
    await session.execute(FORGIVE, organization_id)


async def reissue(session: Session, organization_id: int) -> int:
    """Look again now at every mail that was put off; how many."""
    done = await session.execute(REISSUE, organization_id)
    return int(done.split()[-1])


async def set_policy(session: Session, organization_id: int, policy: str) -> None:
    await session.execute("UPDATE organization SET sending = $2 WHERE id = $1", organization_id, policy)


async def lock_policy(session: Session, organization_id: int) -> str:
    """The policy's JSON text; nobody else changes it until this transaction ends."""
    return await session.fetchval("SELECT sending FROM organization WHERE id = $1 FOR NO KEY UPDATE", organization_id)


async def counts(session: Session, organization_id: int) -> list[Record]:
    return await session.fetch(COUNTS, organization_id)


async def waiting(session: Session, organization_id: int) -> dict[str, int]:
    rows = await session.fetch(WAITING, organization_id)
    return {row["wait_reason"]: row["enrollments"] for row in rows}


async def troubled(session: Session) -> list[Record]:
    """Organizations with a bounce or complaint that may still count."""
    return await session.fetch(TROUBLED)


async def delete_old_counts(session: Session) -> None:
    """Windows end a week after their start at the latest; two days more for whoever looks back."""
    await session.execute("DELETE FROM send_count WHERE starts_at < now() - interval '9 days'")
    await session.execute("DELETE FROM send_count WHERE seconds < 86400 AND starts_at < now() - interval '2 days'")


async def rotate_bounce_secret(session: Session, organization_id: int) -> None:
    await session.execute(
        """INSERT INTO sending_state AS s (organization_id, bounce_generation) VALUES ($1, 2)
           ON CONFLICT (organization_id) DO UPDATE SET bounce_generation = s.bounce_generation + 1""",
        organization_id,
    )


async def set_confirm_url(session: Session, organization_id: int, url: str) -> None:
    await session.execute(
        """INSERT INTO sending_state (organization_id, confirm_url) VALUES ($1, $2)
           ON CONFLICT (organization_id) DO UPDATE SET confirm_url = $2""",
        organization_id,
        url,
    )
