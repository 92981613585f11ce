"""What goes into and comes out of mail templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input, Trimmed

TemplateText = Annotated[str, StringConstraints(max_length=262_144)]
Sender = Annotated[str, StringConstraints(max_length=1000)]
FROM = "Who sends, unless the node names an inbox."


@dataclass(frozen=True, slots=True)
class TemplateTexts:
    """The Liquid texts of a template; `sender` is a mailbox (`Ana <ana@example.com>`)."""

    name: str
    subject: str
    body: str | None
    html: str | None
    sender: str | None


class TemplateFields(Input):
    """A template as it is sent; at least one of body and html."""

    name: Annotated[str, Trimmed(200)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    body: TemplateText | None = None
    html: TemplateText | None = None
    sender: Sender | None = Field(default=None, description=FROM)

    @property
    def texts(self) -> TemplateTexts:
        return TemplateTexts(self.name, self.subject, self.body, self.html, self.sender)


class TemplateChanges(TemplateFields):
    """What to change; fields left out stay as they are."""

    name: Annotated[str, Trimmed(200)] = Field(default_factory=str)
    subject: Annotated[str, StringConstraints(min_length=1, max_length=10_000)] = Field(default_factory=str)


class MailTemplateOut(BaseModel):
    """A mail template. Its texts are Liquid."""

    id: int
    name: str
    subject: str
    body: str | None
    html: str | None
    sender: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class MailTemplateList(BaseModel):
    """Templates, newest first."""

    mail_templates: list[MailTemplateOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
