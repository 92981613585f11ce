"""Comparing what was written: from the queue to the keys, in portions.

One portion of an organization's records of a type runs at a time, so that an older state never overwrites a newer one.
"""

from collections.abc import Mapping
from typing import Any, Final

from drippulse.crm.duplicates.state import REASONS
from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.locks import lock_number

AT_ONCE: Final = 2_000
"""Compared by a call that wants to know about duplicates, before it looks."""
PORTION: Final = 5_000

_NAME = "match_words(r.first_name) || '|' || match_words(r.last_name)"
_PERSON = {
    Reason.ADDRESS: "match_key(match_address(r.email_key))",
    Reason.PHONE: "match_key(match_phone(r.phone))",
    Reason.NAME_AND_DOMAIN: f"match_key({_NAME} || '|' || match_mail_host(r.email_key))",
}
KEYS: Final[Mapping[RecordType, Mapping[Reason, str]]] = {
    RecordType.ACCOUNT: {
        Reason.DOMAIN: "r.domain_key",
        Reason.NAME: "r.name_key",
        Reason.PHONE: "match_key(match_phone(r.phone))",
    },
    RecordType.CONTACT: {
        **_PERSON,
        Reason.NAME_AND_COMPANY: f"match_key({_NAME} || '|' || coalesce(match_company(r.company), r.account_id::text))",
    },
    RecordType.LEAD: {
        **_PERSON,
        Reason.NAME_AND_COMPANY: f"match_key({_NAME} || '|' || match_company(r.company))",
    },
}
"""What a record (`r`) is compared by, in SQL."""
MATCHES_WAIT: Final = "EXISTS (SELECT FROM match_queue)"
WAITING: Final = "SELECT organization_id, record_type FROM match_queue LIMIT 1"


def _sql(kind: RecordType) -> str:
    names = [reason.value for reason in REASONS[kind]]
    keys = ", ".join(f"{KEYS[kind][reason]} AS {reason}" for reason in REASONS[kind])
    live = ", ".join(f"CASE WHEN found.deleted_at IS NULL THEN found.{name} END" for name in names)
    old, new = (", ".join(f"{row}.{name}" for name in names) for row in ("m", "excluded"))
    # Each record is looked up by its id; joining whole tables would read all of them.
    return f"""WITH taken AS (
      DELETE FROM match_queue WHERE organization_id = $1 AND ctid = ANY (ARRAY (
        SELECT ctid FROM match_queue WHERE organization_id = $1 AND record_type = $2 LIMIT $3))
      RETURNING record_id),
    kept AS (
      INSERT INTO record_match AS m (organization_id, record_type, record_id, {", ".join(names)})
      SELECT $1, $2, found.id, {live} FROM (SELECT DISTINCT record_id FROM taken) AS t CROSS JOIN LATERAL (
        SELECT r.id, r.deleted_at, {keys} FROM {kind.value} r WHERE r.organization_id = $1 AND r.id = t.record_id
        LIMIT 1) AS found
      ON CONFLICT (organization_id, record_id) DO UPDATE SET ({", ".join(names)}) = ROW ({new})
        WHERE ({old}) IS DISTINCT FROM ({new}))
    SELECT count(*) FROM taken"""


SQL: Final = {kind: _sql(kind) for kind in KEYS}


async def catch_up(session: Session, organization_id: int, kind: RecordType, most: int = AT_ONCE) -> bool:
    """Compare what was written last; whether that was all."""
    await session.execute(
        "SELECT pg_advisory_xact_lock($1)", lock_number(f"record matches\0{organization_id}\0{kind.value}")
    )
    taken = int(await session.fetchval(SQL[kind], organization_id, kind.value, most))
    return taken < most


async def keys_of(session: Session, organization_id: int, kind: RecordType, record_id: Any) -> Record | None:
    """What one record is compared by, as it is now."""
    keys = ", ".join(f"{sql} AS {reason}" for reason, sql in KEYS[kind].items())
    sql = f"SELECT {keys} FROM {kind.value} r WHERE r.organization_id = $1 AND r.id = $2"
    return await session.fetchrow(sql, organization_id, record_id)


async def match_records(database: Database) -> bool:
    """A chore: compare a portion of what waits; whether there was any."""
    async with database.session(Role.ENGINE) as session:
        waiting = await session.fetchrow(WAITING)
        if waiting is None:
            return False
        await catch_up(session, waiting["organization_id"], RecordType(waiting["record_type"]), PORTION)
    return True
