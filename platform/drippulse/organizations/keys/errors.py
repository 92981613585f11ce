"""Errors of API keys."""

from drippulse.kit.errors import ForbiddenError
from drippulse.organizations.tables import MemberRole


class RoleTooHighError(ForbiddenError):
    """A key would do more than its maker may."""

    code = "role_too_high"

    def __init__(self, asked: MemberRole, own: MemberRole) -> None:
        super().__init__(f"You are {own.value} and cannot make a key with the role {asked.value}; choose a lower one.")
