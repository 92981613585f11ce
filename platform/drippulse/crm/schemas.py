"""What goes into CRM records."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator, model_validator

from drippulse.enrollments.contacts import read_timezone
from drippulse.kit.errors import DomainError
from drippulse.kit.validation import Input

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
ExternalText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Attributes = Annotated[dict[str, Any], Field(max_length=500)]


class PersonFields(Input):
    """What contacts and leads have in common. On an update, fields left out stay as they are."""

    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    phone: Text = ""
    timezone: str | None = None
    attributes: Attributes = Field(default_factory=dict[str, Any])
    tags: list[Tag] = Field(default_factory=list[Tag], max_length=100)
    external_system: ExternalText | None = None
    external_id: ExternalText | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return None if name is None else read_timezone(name)
        except DomainError as error:
            raise ValueError(error.message) from None

    @model_validator(mode="after")
    def _external_together(self) -> "PersonFields":
        if (self.external_system is None) != (self.external_id is None):
            raise ValueError("give external_system and external_id together")
        return self


class ContactFields(PersonFields):
    """A contact."""


class LeadFields(PersonFields):
    """A lead."""

    score: float | None = Field(default=None, allow_inf_nan=False, strict=False)
    status: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = "new"
    owner: Text | None = None
    contact_id: Annotated[UUID, Field(strict=False)] | None = None
