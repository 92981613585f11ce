"""What a simulation reads. Every statement names the organization; row-level security is the second net."""

from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.kit.db import Record, Session

VERSION = """SELECT steps, settings FROM workflow_version
WHERE organization_id = $1 AND workflow_id = $2 AND version = $3"""

DRAFT = "SELECT draft FROM workflow WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"

ORGANIZATION = "SELECT timezone, sending FROM organization WHERE id = $1"

SUPPRESSED = "SELECT email FROM suppression WHERE organization_id = $1 AND email = ANY ($2::text[])"

ENROLLED = """SELECT e.id, e.timezone, e.bag, e.email FROM enrollment e
WHERE e.organization_id = $1 AND e.workflow_id = $2 AND e.deleted_at IS NULL AND ($3::text IS NULL OR e.status = $3)
ORDER BY e.id DESC LIMIT $4"""

# What a bulk enrollment of these people would send, with the fields of their own at the top level.
PEOPLE = """SELECT r.timezone, r.email, r.attributes || jsonb_strip_nulls(jsonb_build_object(
  'lead_ref', r.public_id, 'email', r.email, 'first_name', r.first_name, 'last_name', r.last_name,
  'company', r.company, 'phone', r.phone, 'timezone', r.timezone, 'tags', to_jsonb(r.tags))) AS bag
FROM contact r WHERE r.organization_id = $1 AND r.deleted_at IS NULL AND ($2::text IS NULL OR $2 = ANY (r.tags))
ORDER BY r.id DESC LIMIT $3"""


async def version(session: Session, organization_id: int, workflow_id: int, number: int) -> Record | None:
    return await session.fetchrow(VERSION, organization_id, workflow_id, number)


async def draft(session: Session, organization_id: int, workflow_id: int) -> str | None:
    """The draft as JSON text."""
    return await session.fetchval(DRAFT, organization_id, workflow_id)


async def organization(session: Session, organization_id: int) -> Record:
    """Its time zone and its sending policy."""
    row = await session.fetchrow(ORGANIZATION, organization_id)
    if row is None:
        raise RuntimeError("the organization of an authenticated caller does not exist")
    return row


async def suppressed(session: Session, organization_id: int, addresses: list[str]) -> list[str]:
    """Those of these addresses (as `same_mailbox_key`) that get no mail."""
    rows = await session.fetch(SUPPRESSED, organization_id, addresses)
    return [row["email"] for row in rows]


async def enrolled(
    session: Session, organization_id: int, workflow_id: int, status: EnrollmentStatus | None, limit: int
) -> list[Record]:
    """Runs of a workflow, newest first."""
    wanted = None if status is None else status.value
    return await session.fetch(ENROLLED, organization_id, workflow_id, wanted, limit)


async def people(session: Session, organization_id: int, tag: str | None, limit: int) -> list[Record]:
    """Contacts of the CRM, newest first."""
    return await session.fetch(PEOPLE, organization_id, tag, limit)
