"""Ids in bodies: a UUID or a public id of a live record of this organization, or a member of it."""

from typing import Any
from uuid import UUID

from drippulse.crm import queries
from drippulse.crm.merging import aliases
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.errors import not_found


async def resolve(session: Session, kind: RecordType, organization_id: int, values: dict[str, Any]) -> None:
    """Replace what `values` holds of references by ids. Raises NotFoundError: unknown and foreign ones alike."""
    for column, target in SPECS[kind].references.items():
        ref = values.get(column)
        if isinstance(ref, str):
            values[column] = await record_id(session, target, organization_id, ref)
    owner = values.get("owner_id")
    if owner is not None and not await queries.is_member(session, organization_id, owner):
        raise not_found("user")


async def record_id(session: Session, kind: RecordType, organization_id: int, ref: str) -> UUID:
    found = await queries.id_of(session, kind, organization_id, ref)
    if found is None:
        raise await aliases.absent(session, kind, organization_id, ref)
    return found
