"""Reads and writes of the audit log. Every statement names the organization."""

from typing import Any

from drippulse.kit.db import Session
from drippulse.organizations.lists import Source

INSERT = """INSERT INTO audit_entry
  (organization_id, action, actor_type, actor_id, subject_type, subject_id, address, user_agent, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""

LIST = Source(
    name="audit_log",
    columns="""a.id, a.action, a.actor_type, a.actor_id, coalesce(u.username, k.name) AS actor_name, a.subject_type,
a.subject_id, a.address, a.user_agent, a.details, a.created_at""",
    source="""FROM audit_entry a
LEFT JOIN membership m ON a.actor_type = 'user' AND m.organization_id = a.organization_id AND m.user_id = a.actor_id
LEFT JOIN app_user u ON u.id = m.user_id
LEFT JOIN api_key k ON a.actor_type = 'api_key' AND k.organization_id = a.organization_id AND k.id = a.actor_id
WHERE a.organization_id = $1""",
    key="a.id",
    sorts={"created_at": "a.id"},
    filters={
        "action": "a.action",
        "actor": "concat_ws(':', a.actor_type, a.actor_id)",
        "subject": "concat_ws(':', a.subject_type, a.subject_id)",
        "address": "a.address",
        "at": "a.created_at",
        "since": "a.created_at",
    },
)


async def insert(session: Session, organization_id: int, *values: Any) -> None:
    """The columns of `INSERT` in their order; details as JSON text."""
    await session.execute(INSERT, organization_id, *values)
