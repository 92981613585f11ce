"""Table of answers kept for idempotency keys."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class IdempotencyKey(Table, tablename="idempotency_key", db=DB):
    """One answered write, kept by the transaction of the write itself, so that there is no one without the other."""

    organization_id = BigInt(primary_key=True)
    method = Text()
    path = Text()
    key = Text()
    fingerprint = Bytea(help_text="SHA-256 of the body's canonical JSON")
    status = SmallInt(null=True, default=None, help_text="null while a request that holds no transaction is under way")
    body = Bytea(null=True, default=None, help_text="the answer, encrypted")
    headers = JSONB(default="{}", help_text="that go with the answer")
    claim = UUID(null=True, default=None, help_text="of the request under way")
    claimed_until = Timestamptz(null=True, default=None, help_text="until when it is believed to run")
    created_at = Timestamptz(default=TimestamptzNow())
