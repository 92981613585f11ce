"""What goes in and out of the credential routes."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input
from drippulse.organizations.tables import MemberRole


class Login(Input):
    """A name and a password."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        json_schema_extra={"format": "password"}
    )


class AdminOut(BaseModel):
    id: int
    username: str
    email: str | None
    organization_id: int


class LoginOut(BaseModel):
    """A session token for `Authorization: Bearer ...`; it lives 12 hours."""

    token: str
    admin: AdminOut


class VerifyOut(BaseModel):
    """Who the token stands for. `admin` is null for an API key."""

    valid: bool
    actor_type: str = Field(description="user or api_key")
    role: MemberRole
    organization_id: int
    admin: AdminOut | None
