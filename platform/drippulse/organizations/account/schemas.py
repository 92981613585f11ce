"""What goes in and out of the account."""

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from drippulse.kit.addresses import one_line
from drippulse.kit.validation import TIME_ZONE, Input, Trimmed
from drippulse.organizations.members.schemas import Address, NewPassword
from drippulse.organizations.tables import MemberRole
from drippulse.workflows.errors import UnknownTimezoneError
from drippulse.workflows.wall_clock import zone

READ_ONLY = frozenset({"id", "sending_url", "paused_at", "profile", "created_at", "updated_at"})
"""Fields of an answer that a client may echo back; they are ignored."""

MAX_DAYS = 36_500
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")


def _zone(name: str) -> str:
    try:
        zone(name)
    except UnknownTimezoneError as error:
        raise ValueError(error.message) from None
    return name


def _locale(name: str) -> str:
    if _LOCALE.fullmatch(name) is None:
        raise ValueError('must be a BCP 47 language tag, such as "en", "de-AT" or "zh-Hant-TW"')
    return name


def _https(url: str) -> str:
    """Mail programs and browsers of others fetch it; nothing here does."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" and parts.hostname and not parts.username and not parts.password
    except ValueError:
        fine = False
    if not fine or not url.isprintable() or " " in url or '"' in url:
        raise ValueError("must be an https:// address without a user name in it")
    return url


ONE_LINE = r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*[^\s\x00-\x1f\x7f\x85\u2028\u2029][^\x00-\x1f\x7f\x85\u2028\u2029]*$"


def _line(text: str) -> str:
    if one_line(text) != text:
        raise ValueError("must be one line without control characters")
    return text


Line = Annotated[
    str,
    Trimmed(200, pattern=ONE_LINE),
    AfterValidator(_line),
]
TimeZone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_zone), TIME_ZONE]
Locale = Annotated[
    str,
    StringConstraints(max_length=20),
    AfterValidator(_locale),
    Field(json_schema_extra={"pattern": f"^{_LOCALE.pattern}$"}),
]
Slug = Annotated[str, StringConstraints(min_length=3, max_length=63, pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$")]
LogoUrl = Annotated[
    str, StringConstraints(max_length=2000), AfterValidator(_https), Field(json_schema_extra={"format": "uri"})
]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
Postal = Annotated[str, Trimmed(500)]


class Branding(Input):
    """What recipients and visitors see. A member that is left out stays as it is; null takes it away."""

    logo_url: LogoUrl | None = None
    color: Color | None = Field(default=None, description="Such as #1a73e8.")
    public_name: Line | None = Field(default=None, description="In mail footers and forms; else the name.")


class SenderIdentity(Input):
    """Who mails come from when a step says nothing else. Null takes a member away."""

    from_name: Line | None = None
    from_address: Address | None = None
    reply_to: Address | None = None
    postal_address: Postal | None = Field(default=None, description="Lines are kept; it stands below each mail.")


class Retention(Input):
    """Days until entries are deleted; null keeps them for ever."""

    timeline_days: Annotated[int, Field(ge=7, le=MAX_DAYS)] | None = Field(
        default=None, description="Timelines of enrollments."
    )
    event_days: Annotated[int, Field(ge=7, le=MAX_DAYS)] | None = Field(default=None, description="The event log.")
    audit_days: Annotated[int, Field(ge=30, le=MAX_DAYS)] | None = Field(default=None, description="The audit log.")


class OrganizationUpdate(Input):
    """What to change; fields left out stay as they are."""

    name: Line = Field(default_factory=str)
    slug: Slug = Field(default_factory=str)
    timezone: TimeZone = Field(default_factory=str, description="An IANA name, such as Europe/Berlin.")
    locale: Locale = Field(default_factory=str, description="A BCP 47 language tag.")
    branding: Branding = Field(default_factory=Branding)
    sender: SenderIdentity = Field(default_factory=SenderIdentity)
    retention: Retention = Field(default_factory=Retention)
    graphql_trusted_only: bool = Field(
        default_factory=bool, description="GraphQL runs registered documents and no others, whoever asks."
    )


class ProfileOut(BaseModel):
    """Who is asking: a signed-in user, or an API key."""

    type: str = Field(description="user or api_key")
    id: int
    name: str = Field(description="The member's name, or the key's.")
    username: str | None
    email: str | None
    role: MemberRole


class OrganizationOut(BaseModel):
    """The organization, and who is asking."""

    id: int
    name: str
    slug: str
    timezone: str
    locale: str
    branding: Branding
    sender: SenderIdentity
    retention: Retention
    graphql_trusted_only: bool
    sending_url: str = Field(description="Where caps, quiet hours and the breaker are set.")
    paused_at: datetime | None
    profile: ProfileOut
    created_at: datetime
    updated_at: datetime


class PasswordChange(Input):
    """One's own password."""

    current_password: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        json_schema_extra={"format": "password"}
    )
    new_password: NewPassword

    @model_validator(mode="after")
    def _another(self) -> "PasswordChange":
        if self.current_password == self.new_password:
            raise ValueError("the new password is the present one; choose another")
        return self


class PasswordChangedOut(BaseModel):
    """Every session from before has ended; this one goes on with the new token."""

    token: str


def merged(stored: dict[str, Any], given: Input) -> dict[str, Any]:
    """A part with what was sent of it; null takes a member away."""
    sent = given.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in {**stored, **sent}.items() if value is not None}
