"""Which workflow a run belongs to."""

from drippulse.kit.db import Session
from drippulse.kit.errors import not_found
from drippulse.kit.ids import is_id
from drippulse.organizations.policy import Principal

WORKFLOW = "SELECT workflow_id FROM enrollment WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"


async def workflow_of(session: Session, principal: Principal, enrollment_id: int) -> int:
    """The id of the run's workflow. Raises NotFoundError."""
    known = is_id(enrollment_id)
    found = await session.fetchval(WORKFLOW, principal.organization_id, enrollment_id) if known else None
    if found is None:
        raise not_found("enrollment")
    return int(found)
