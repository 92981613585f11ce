"""Ids in rows: those of other records, and of members."""

from collections.abc import Iterable
from uuid import UUID

from drippulse.crm.importing.fields import OWNER
from drippulse.crm.importing.state import Portion
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.ids import uuid_or_none

BY_ID = """SELECT r.id, r.public_id FROM {table} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
  AND (r.id = ANY ($2::uuid[]) OR r.public_id = ANY ($3::text[]))"""
MEMBERS = "SELECT user_id FROM membership WHERE organization_id = $1 AND user_id = ANY ($2::bigint[])"


async def resolve(session: Session, kind: RecordType, organization_id: int, portion: Portion) -> None:
    """Put ids in place of what rows refer to; rows that refer to nothing here are refused, foreign ids like unknown."""
    for name, target in SPECS[kind].references.items():
        if name in portion.columns:
            known = await _known(session, target, organization_id, set(portion.columns[name]) - {""})
            _replace(portion, name, known, f"No {target.value} with this id exists in your organization.")
    if OWNER in portion.columns:
        given = set(portion.columns[OWNER]) - {""}
        rows = await session.fetch(MEMBERS, organization_id, [int(text) for text in given]) if given else []
        members = {str(row["user_id"]): str(row["user_id"]) for row in rows}
        _replace(portion, OWNER, members, "No user with this id exists in your organization.")


async def is_member(session: Session, organization_id: int, user_id: int) -> bool:
    return bool(await session.fetch(MEMBERS, organization_id, [user_id]))


async def identify(session: Session, kind: RecordType, organization_id: int, portion: Portion, name: str) -> None:
    """UUIDs among public ids become public ids; what is unknown stays."""
    given = {text for text in set(portion.columns[name]) if uuid_or_none(text) is not None}
    if not given:
        return
    rows = await session.fetch(BY_ID.format(table=kind.value), organization_id, [UUID(text) for text in given], [])
    known = {row["id"]: row["public_id"] for row in rows}
    portion.columns[name] = [known.get(UUID(text), text) if text in given else text for text in portion.columns[name]]


async def _known(session: Session, kind: RecordType, organization_id: int, given: Iterable[str]) -> dict[str, str]:
    ids = {text: found for text in given if (found := uuid_or_none(text)) is not None}
    names = [text for text in given if text not in ids]
    if not ids and not names:
        return {}
    rows = await session.fetch(BY_ID.format(table=kind.value), organization_id, list(ids.values()), names)
    there = {row["id"] for row in rows}
    known = {row["public_id"]: row["id"].hex for row in rows}
    return {**known, **{text: found.hex for text, found in ids.items() if found in there}}


def _replace(portion: Portion, name: str, known: dict[str, str], sentence: str) -> None:
    cells = portion.columns[name]
    found = [known.get(text, "") for text in cells]
    for index, (text, new) in enumerate(zip(cells, found, strict=True)):
        if text and not new and portion.outcomes[index] is None:
            portion.refuse(index, name, text, sentence)
    portion.columns[name] = found
