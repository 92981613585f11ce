"""Roles in bodies: taken in any case, and a sentence with the nearest one for what is none."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from drippulse.kit.text import did_you_mean
from drippulse.organizations.tables import MemberRole

ROLES = tuple(role.value for role in MemberRole)


def _role(value: Any) -> MemberRole:
    for role in MemberRole:
        if isinstance(value, str) and role.value.lower() == value.strip().lower():
            return role
    text = str(value)[:100]
    raise ValueError(f'"{text}" is not a role.{did_you_mean(text.title(), ROLES)} The roles are {", ".join(ROLES)}.')


RoleName = Annotated[MemberRole, BeforeValidator(_role), Field(json_schema_extra={"enum": list(ROLES)})]
