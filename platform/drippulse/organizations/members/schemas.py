"""What goes in and out of team members."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from drippulse.kit.addresses import normalize_address, one_line
from drippulse.kit.validation import Input, Trimmed
from drippulse.organizations.audit.schemas import MakerOut
from drippulse.organizations.roles import RoleName
from drippulse.organizations.tables import MemberRole, MemberStatus

READ_ONLY = frozenset(
    {
        "id", "user_id", "username", "invited_by", "invitation_expires_at", "invited_at", "accepted_at", "removed_at",
        "created_at", "updated_at", "invitation", "message",
    }
)  # fmt: skip
"""Fields of an answer that a client may echo back; they are ignored."""
READ_ONLY_ON_CREATE = READ_ONLY | {"status"}
READ_ONLY_ON_UPDATE = READ_ONLY | {"email"}


def _address(text: str) -> str:
    address = normalize_address(text)
    if address is None:
        raise ValueError("is not an e-mail address")
    return address


Address = Annotated[
    str, StringConstraints(max_length=320), AfterValidator(_address), Field(json_schema_extra={"format": "email"})
]
PersonName = Annotated[str, Trimmed(200, empty=True), AfterValidator(one_line)]  # it stands in mails
Username = Annotated[
    str,
    StringConstraints(min_length=3, max_length=100, pattern=r"^[\w.@+-]+$"),
    Field(description="3 to 100 letters, digits and . _ @ + -; unique over the installation, whatever the case."),
]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=12, max_length=1024),
    Field(description="12 characters or more.", json_schema_extra={"format": "password"}),
]


class MemberInvite(Input):
    """An invitation by e-mail."""

    email: Address
    role: RoleName = Field(default=MemberRole.VIEWER, description="What the new member may do.")
    name: PersonName = ""


class MemberUpdate(Input):
    """What to change; fields left out stay as they are."""

    role: RoleName = Field(default_factory=lambda: MemberRole.VIEWER)
    name: PersonName = Field(default_factory=str)
    status: Annotated[MemberStatus, Field(strict=False)] = Field(
        default_factory=lambda: MemberStatus.ACTIVE,
        description="removed ends sessions and keys at once; active lets a removed member in again.",
    )


class Acceptance(Input):
    """Whoever has the token joins."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        json_schema_extra={"format": "password"}
    )
    username: Username
    password: NewPassword


class MemberOut(BaseModel):
    """A team member."""

    id: int
    user_id: int | None = Field(description="Null until the invitation is accepted.")
    username: str | None
    name: str
    email: str | None = Field(description="Admins see it; null for everybody else.")
    role: MemberRole
    status: MemberStatus
    invited_by: MakerOut | None
    invited_at: datetime | None
    invitation_expires_at: datetime | None
    accepted_at: datetime | None
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class InvitationOut(BaseModel):
    """What opens the door, told this once."""

    token: str
    url: str = Field(description="A page where the invitation can be accepted.")
    expires_at: datetime


class InvitedMemberOut(MemberOut):
    invitation: InvitationOut
    message: str


class MemberList(BaseModel):
    team_members: list[MemberOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class AcceptedOut(BaseModel):
    """Who has joined. Log in with the username and password."""

    id: int
    user_id: int
    username: str
    role: MemberRole
    organization_id: int
