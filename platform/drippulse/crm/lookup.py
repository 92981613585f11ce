"""Finding the record that a reference of any kind means: a public id, a UUID, an external id or an address.

What a merged record was known by means the one that it was merged into, unless a live record has it.
"""

from drippulse.crm import queries
from drippulse.crm.merging import aliases
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.kit.ids import uuid_or_none


async def find_record(session: Session, kind: RecordType, organization_id: int, ref: str) -> Record | None:
    """None when no live record is meant, or when two have this external id in different systems."""
    text = ref.strip()
    if not text:
        return None
    row = await queries.by_public_id(session, kind, organization_id, text)
    if row is None and (record_id := uuid_or_none(text)) is not None:
        row = await queries.locked(session, kind, organization_id, record_id)
    if row is None:
        row = await queries.by_any_external(session, kind, organization_id, text)
    if row is None and SPECS[kind].unique_by_email and normalize_address(text) is not None:
        row = await queries.by_email_key(session, kind, organization_id, same_mailbox_key(text))
    return row or await _merged(session, kind, organization_id, text)


async def _merged(session: Session, kind: RecordType, organization_id: int, text: str) -> Record | None:
    row = await aliases.survivor_of(session, kind, organization_id, text)
    row = row or await aliases.by_external(session, kind, organization_id, None, text)
    if row is None and SPECS[kind].unique_by_email and normalize_address(text) is not None:
        row = await aliases.by_email_key(session, kind, organization_id, same_mailbox_key(text))
    return row
