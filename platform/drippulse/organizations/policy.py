"""Who is asking, and what the role lets them do."""

from dataclasses import dataclass
from enum import StrEnum

from drippulse.kit.errors import ForbiddenError
from drippulse.organizations.tables import MemberRole


class Permission(StrEnum):
    """What an operation needs. Every route and resolver names one."""

    READ = "read"
    WRITE = "write"
    DECIDE_APPROVALS = "decide_approvals"
    ADMINISTER = "administer"


GRANTS: dict[MemberRole, frozenset[Permission]] = {
    MemberRole.VIEWER: frozenset({Permission.READ}),
    MemberRole.EDITOR: frozenset({Permission.READ, Permission.WRITE}),
    MemberRole.APPROVER: frozenset({Permission.READ, Permission.DECIDE_APPROVALS}),
    MemberRole.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `credential` names the key or session for rate limits and logs (`key:9`, `session:4`), never the secret.
    """

    organization_id: int
    role: MemberRole
    actor_type: str
    actor_id: int
    credential: str

    def allows(self, permission: Permission) -> bool:
        return permission in GRANTS[self.role]


def require(principal: Principal, permission: Permission) -> None:
    """Raises ForbiddenError, which names the roles that would do."""
    if not principal.allows(permission):
        able = " or ".join(role.value for role, granted in GRANTS.items() if permission in granted)
        raise ForbiddenError(
            f"Your role is {principal.role.value}; this needs {able}. Ask an Admin of your organization."
        )
