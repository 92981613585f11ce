"""What comes out of the audit log."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from drippulse.organizations.audit.actions import AuditAction


class MakerOut(BaseModel):
    """Who made it."""

    type: str = Field(description="user or api_key")
    id: int


class AuditActorOut(BaseModel):
    """Who did it."""

    type: str = Field(description="user, api_key, anonymous or system")
    id: int | None
    name: str | None = Field(default=None, description="The user's name or the key's.")


class AuditSubjectOut(BaseModel):
    """What it was done to."""

    type: str
    id: str


class AuditEntryOut(BaseModel):
    """One act."""

    id: int
    action: AuditAction
    actor: AuditActorOut
    subject: AuditSubjectOut | None
    address: str = Field(description="Where the request came from; empty when no request did it.")
    user_agent: str
    details: dict[str, Any]
    at: datetime


class AuditList(BaseModel):
    """Acts, newest first."""

    audit_log: list[AuditEntryOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
