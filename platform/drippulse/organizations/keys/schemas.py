"""What goes in and out of API keys."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from drippulse.kit.validation import Input, Trimmed
from drippulse.organizations.audit.schemas import MakerOut
from drippulse.organizations.roles import RoleName
from drippulse.organizations.tables import MemberRole

MAX_DAYS = 3650
MAX_RATE = 1_000_000

READ_ONLY = frozenset(
    {
        "id", "key", "key_prefix", "last_four", "status", "expires_at", "created_by", "last_used_at", "revoked_at",
        "created_at", "message",
    }
)  # fmt: skip
"""Fields of an answer that a client may echo back; they are ignored."""


class ApiKeyCreate(Input):
    """A new key. All of it may be left out."""

    name: Annotated[str, Trimmed(200)] = "API key"
    role: RoleName = Field(default=MemberRole.ADMIN, description="What it may do; never more than you may.")
    expires_in: Annotated[int, Field(ge=1, le=MAX_DAYS)] | None = Field(
        default=None, description="Days until it stops working; never when left out."
    )
    rate_limit: Annotated[int, Field(ge=1, le=MAX_RATE)] | None = Field(
        default=None, description="Requests a minute; the installation's default when left out."
    )


class ApiKeyOut(BaseModel):
    """A key without what would open the door."""

    id: int
    name: str
    key_prefix: str
    last_four: str
    role: MemberRole = Field(description="What it may do now: less than it was made for when its maker may less.")
    status: str = Field(description="active, expired or revoked")
    rate_limit: int | None = Field(description="Requests a minute; null for the installation's default.")
    expires_at: datetime | None
    created_by: MakerOut | None = Field(description="Null for keys made on the command line.")
    last_used_at: datetime | None = Field(description="A few seconds late.")
    revoked_at: datetime | None
    created_at: datetime


class NewApiKeyOut(ApiKeyOut):
    """The one answer that holds the key."""

    key: str = Field(description="The whole key. It is not kept and never shown again.")
    message: str


class ApiKeyList(BaseModel):
    api_keys: list[ApiKeyOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class UsageRowOut(BaseModel):
    """Requests of one key on one day, in UTC."""

    date: date
    key_id: int
    name: str
    requests: int


class KeyTotalOut(BaseModel):
    key_id: int
    name: str
    requests: int


class UsageTotalsOut(BaseModel):
    requests: int
    by_key: list[KeyTotalOut] = Field(description="The busiest first.")


class UsageOut(BaseModel):
    """Days without a request have no row."""

    usage: list[UsageRowOut]
    totals: UsageTotalsOut
    total_count: int = Field(description="Rows of `usage`.")
    since: date
    until: date
