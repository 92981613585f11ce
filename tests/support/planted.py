"""Approvals and stalls that no engine and no watchdog wrote."""

from drippulse.kit.db import Database, Role

APPROVAL = """INSERT INTO approval (organization_id, workflow_id, enrollment_id, visit, step_id, role, message)
SELECT organization_id, workflow_id, id, visit, step_id, 'Approver', 'Go on?' FROM enrollment
WHERE organization_id = $1 AND id = $2 RETURNING id"""

STALL = """INSERT INTO stall (organization_id, workflow_id, enrollment_id, step_id, kind, since)
SELECT organization_id, workflow_id, id, step_id, 'unclaimed', now() - interval '5 minutes' FROM enrollment
WHERE organization_id = $1 AND id = $2 RETURNING id"""


async def plant(database: Database, sql: str, organization_id: int, enrollment_id: int) -> int:
    """`APPROVAL` or `STALL` for an enrollment; the new row's id."""
    async with database.session(Role.ENGINE) as session:
        return int(await session.fetchval(sql, organization_id, enrollment_id))
