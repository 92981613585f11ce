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
    `rate_limit` is the credential's own, in requests a minute; None is the installation's default.
    `user_id` is the person behind it: the one who is signed in, or whose key it is; None for keys of the command line.
    """

    organization_id: int
    role: MemberRole
    actor_type: str
    actor_id: int
    credential: str
    rate_limit: int | None = None
    user_id: int | None = None

    def allows(self, permission: Permission) -> bool:
        return permission in GRANTS[self.role]


def require(principal: Principal, permission: Permission) -> None:
    """Raises ForbiddenError, which names the roles that would do."""
    if not principal.allows(permission):
        able = " or ".join(role.value for role, granted in GRANTS.items() if permission in granted)
        raise ForbiddenError(
            f"Your role is {principal.role.value}; this needs {able}. Ask an Admin of your organization."
        )


def covers(holder: MemberRole, role: MemberRole) -> bool:
    """Whether a holder of the first role may hand out the second: it grants nothing beyond."""
    return GRANTS[role] <= GRANTS[holder]


def lesser(first: MemberRole, second: MemberRole) -> MemberRole:
    """The role that grants most of what both grant."""
    both = GRANTS[first] & GRANTS[second]
    return max((role for role, granted in GRANTS.items() if granted <= both), key=lambda role: len(GRANTS[role]))
