"""Table of answers kept for idempotency keys."""

from piccolo.columns import BigInt, Bytea, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class IdempotencyKey(Table, tablename="idempotency_key", db=DB):
    """One answered write. Written by the transaction of the write itself, so that there is no one without the other."""

    organization_id = BigInt(primary_key=True)
    method = Text()
    path = Text()
    key = Text()
    fingerprint = Bytea(help_text="SHA-256 of the body's canonical JSON")
    status = SmallInt()
    body = Bytea(help_text="the answer, byte for byte")
    created_at = Timestamptz(default=TimestamptzNow())
