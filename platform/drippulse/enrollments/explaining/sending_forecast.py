"""What the forecast of mails needs out of the database. Nothing is locked."""

from datetime import datetime

from drippulse.enrollments.explaining.sends import Sends
from drippulse.kit.db import Session
from drippulse.sending import queries
from drippulse.sending.schemas import parsed
from drippulse.sending.state import Bucket, Room, limits
from drippulse.sending.tables import Breaker

ROOMS = """SELECT c.scope, c.key, c.seconds, c.starts_at, c.sent, c.put_off FROM send_count c
JOIN unnest($2::text[], $3::text[], $4::int[], $5::timestamptz[]) AS b (scope, key, seconds, starts_at)
  USING (scope, key, seconds, starts_at)
WHERE c.organization_id = $1"""


async def load(session: Session, organization_id: int) -> Sends:
    """The organization's policy; its windows are taken for empty until `load_rooms`."""
    row = await queries.state(session, organization_id)
    stopped = row["breaker"] == Breaker.STOPPED
    return Sends(organization_id, row["timezone"] or "UTC", parsed(row["sending"]), stopped)


async def load_rooms(session: Session, sends: Sends, now: datetime) -> bool:
    """Fill in what the present windows hold of the mails that were asked about; False when no cap is set."""
    buckets = sorted(
        {
            limit.bucket
            for recipient, sender in sends.seen
            for limit in limits(sends.policy, sends.organization_id, recipient, sender, now)
        }
    )
    if not buckets:
        return False
    columns = (
        [str(bucket.scope) for bucket in buckets],
        [bucket.key for bucket in buckets],
        [bucket.seconds for bucket in buckets],
        [bucket.starts_at for bucket in buckets],
    )
    rows = await session.fetch(ROOMS, sends.organization_id, *columns)
    sends.rooms = {
        Bucket(sends.organization_id, row["scope"], row["key"], row["seconds"], row["starts_at"]): Room(
            row["sent"], row["put_off"]
        )
        for row in rows
    }
    sends.used.clear()
    return True
