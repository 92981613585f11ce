"""Who may decide an approval: the role that the step names, or an Admin, and never whoever asked for it."""

from drippulse.approvals.errors import OwnRequestError
from drippulse.kit.db import Session
from drippulse.kit.errors import ForbiddenError
from drippulse.organizations.policy import GRANTS, Permission, Principal
from drippulse.organizations.tables import MemberRole

DECIDING_ROLES = tuple(role for role, granted in GRANTS.items() if Permission.DECIDE_APPROVALS in granted)

# A key stands for the person who made it.
MAKER = "SELECT created_by FROM api_key WHERE organization_id = $1 AND id = $2"


async def require_decider(
    session: Session, principal: Principal, role: str, requested_by: tuple[str | None, int | None]
) -> None:
    """Raises ForbiddenError, or OwnRequestError, also when one of the two used a key of the same person."""
    if principal.role is not MemberRole.ADMIN and principal.role.value != role:
        raise ForbiddenError(f"Your role is {principal.role.value}; this approval needs {role}.")
    kind, number = requested_by
    mine = (principal.actor_type, principal.actor_id)
    if kind is None or number is None:
        return
    if mine == (kind, number) or await _person(session, principal, *mine) == await _person(
        session, principal, kind, number
    ):
        raise OwnRequestError


async def _person(session: Session, principal: Principal, kind: str, number: int) -> tuple[str, int]:
    if kind == "api_key":
        maker = await session.fetchval(MAKER, principal.organization_id, number)
        if maker is not None:
            return "user", int(maker)
    return kind, number
