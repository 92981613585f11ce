"""What goes in and out of projects."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input, Trimmed

Name = Annotated[str, Trimmed(200)]
Description = Annotated[str, StringConstraints(max_length=10_000)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]

READ_ONLY = frozenset({"id", "organization_id", "workflow_count", "active_workflow_count", "created_at", "updated_at"})
"""Fields of an answer that a client may echo back; they are ignored."""


class ProjectCreate(Input):
    """A new project."""

    name: Name = Field(description="Unique in the organization, whatever the case.")
    description: Description = ""
    color: Color | None = Field(default=None, description="Such as #1a73e8.")
    archived: bool = False


class ProjectUpdate(Input):
    """What to change; fields left out stay as they are."""

    name: Name = Field(default_factory=str)
    description: Description = Field(default_factory=str)
    color: Color | None = None
    archived: bool = Field(default_factory=bool)


class ProjectOut(BaseModel):
    """A project with the number of its workflows."""

    id: int
    name: str
    description: str
    color: str | None
    archived: bool
    workflow_count: int
    active_workflow_count: int
    created_at: datetime
    updated_at: datetime


class ProjectList(BaseModel):
    projects: list[ProjectOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
