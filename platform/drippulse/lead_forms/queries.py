"""Reads and writes of lead forms. Every statement names the organization, but for the one that finds it."""

from collections.abc import Mapping
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Kind
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import Sort
from drippulse.organizations.lists import Source

DEFINED = (
    *("name", "title", "description", "fields", "submit_label", "success_message", "redirect_url", "consent_text"),
    *("workflow_id", "owner_id", "tags", "source", "frame_ancestors", "status"),
)
"""The columns that a caller writes."""
COLUMNS = ", ".join(
    f"f.{name}" for name in ("id", *DEFINED, "token", "submission_count", "refused_count", "created_at", "updated_at")
)
LIST = Source(
    name="lead_forms",
    columns=COLUMNS,
    source="FROM lead_form f WHERE f.organization_id = $1",
    key="f.id",
    sorts={"created_at": "f.id", "name": Sort("lower(f.name)", Kind.TEXT)},
    filters={"status": "f.status", "name": "f.name"},
    searched="(f.name || ' ' || f.title)",
)
SUBMISSION_COLUMNS = """s.id, s.lead_id, s.lead_public_id, s.created_lead, s.data, s.consent_text, s.address,
s.workflow_id, s.enrollment_id, s.not_enrolled, s.created_at"""
SUBMIT = """INSERT INTO lead_form_submission (organization_id, form_id, lead_id, lead_public_id, created_lead, data,
  consent_text, address, workflow_id, enrollment_id, not_enrolled)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
SUPPRESSED = "SELECT EXISTS (SELECT 1 FROM suppression WHERE organization_id = $1 AND email = $2)"


def submissions_of(form_id: int) -> Source:
    """The list of one form's submissions."""
    return Source(
        name="submissions",
        columns=SUBMISSION_COLUMNS,
        source=f"FROM lead_form_submission s WHERE s.organization_id = $1 AND s.form_id = {int(form_id)}",
        key="s.id",
        sorts={"created_at": "s.id"},
        filters={"created_at": "s.created_at"},
    )


async def organization_of(session: Session, token: str) -> int | None:
    """Whose form has this token. For a session without an organization."""
    return await session.fetchval("SELECT find_lead_form($1)", token)


async def by_token(session: Session, organization_id: int, token: str) -> Record | None:
    sql = f"SELECT {COLUMNS}, o.branding, o.name AS organization_name FROM lead_form f "
    sql += "JOIN organization o ON o.id = f.organization_id WHERE f.organization_id = $1 AND f.token = $2"
    return await session.fetchrow(sql, organization_id, token)


async def by_id(session: Session, organization_id: int, form_id: int, *, lock: bool = False) -> Record | None:
    if not is_id(form_id):
        return None
    sql = f"SELECT {COLUMNS} FROM lead_form f WHERE f.organization_id = $1 AND f.id = $2"
    return await session.fetchrow(sql + (" FOR UPDATE" if lock else ""), organization_id, form_id)


async def insert(session: Session, organization_id: int, token: str, values: Mapping[str, Any]) -> int:
    names = ", ".join(DEFINED)
    places = ", ".join(f"${number}" for number in range(3, 3 + len(DEFINED)))
    sql = f"INSERT INTO lead_form (organization_id, token, {names}) VALUES ($1, $2, {places}) RETURNING id"
    return int(await session.fetchval(sql, organization_id, token, *(values[name] for name in DEFINED)))


async def update(session: Session, organization_id: int, form_id: int, values: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(DEFINED, 3))
    sql = f"UPDATE lead_form SET {sets}, updated_at = now() WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, form_id, *(values[name] for name in DEFINED))


async def set_token(session: Session, organization_id: int, form_id: int, token: str) -> None:
    sql = "UPDATE lead_form SET token = $3, updated_at = now() WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, form_id, token)


async def delete(session: Session, organization_id: int, form_id: int) -> None:
    await session.execute("DELETE FROM lead_form WHERE organization_id = $1 AND id = $2", organization_id, form_id)


async def count(session: Session, organization_id: int, form_id: int, *, refused: bool) -> None:
    """One more. It locks the form's row until the transaction ends: do it last."""
    column = "refused_count" if refused else "submission_count"
    sql = f"UPDATE lead_form SET {column} = {column} + 1 WHERE organization_id = $1 AND id = $2"
    await session.execute(sql, organization_id, form_id)


async def add_submission(session: Session, organization_id: int, *values: Any) -> None:
    await session.execute(SUBMIT, organization_id, *values)


async def is_suppressed(session: Session, organization_id: int, mailbox: str) -> bool:
    return bool(await session.fetchval(SUPPRESSED, organization_id, mailbox))
