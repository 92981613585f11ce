"""What goes in and out of lead forms."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from drippulse.crm.schemas import MemberId, Tag, Text
from drippulse.kit.validation import Input, Trimmed
from drippulse.lead_forms.tables import FormStatus, InputType


def _https(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or not text.isprintable():
        raise ValueError("must be an address such as https://example.com/thanks")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("must be an origin such as https://www.example.com")
    if parts.username is not None or not all(letter.isalnum() or letter in ".-:" for letter in parts.netloc):
        raise ValueError("must be an origin such as https://www.example.com")
    return text


Line = Annotated[str, Trimmed(200)]
Help = Annotated[str, Trimmed(500, empty=True)]
Long = Annotated[str, Trimmed(2_000, empty=True)]
Message = Annotated[str, Trimmed(2_000)]
FieldName = Annotated[str, StringConstraints(pattern=r"^(custom\.)?[a-z][a-z0-9_]{0,62}$")]
Redirect = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_https)]
Origin = Annotated[str, StringConstraints(max_length=300), AfterValidator(_origin)]
WorkflowId = Annotated[int, Field(ge=1, le=2**63 - 1)]

READ_ONLY = frozenset(
    {
        *("id", "organization_id", "token", "url", "embed_url", "submission_count", "refused_count"),
        *("created_at", "updated_at"),
    }
)


class FormField(Input):
    """One field of a form."""

    name: FieldName = Field(description="A field of the lead, such as email, or custom.<key>.")
    label: Line
    type: InputType = Field(default=InputType.TEXT, strict=False)
    required: bool = False
    options: list[Line] = Field(default_factory=list[str], max_length=200, description="Of a select.")
    placeholder: Help = ""
    help: Help = ""


class Enroll(Input):
    """Where leads are enrolled."""

    workflow_id: WorkflowId


Fields = Annotated[list[FormField], Field(min_length=1, max_length=50)]


class LeadFormFields(Input):
    """What a form is. On an update, fields left out stay as they are."""

    name: Line = Field(description="For the team.")
    title: Line = Field(default="Get in touch", description="For those who fill it in.")
    description: Long = ""
    fields: Fields
    submit_label: Line = "Send"
    success_message: Message = "Thank you. We have received what you sent."
    redirect_url: Redirect | None = Field(default=None, description="Where to go instead of the message; https.")
    consent_text: Long = Field(default="", description="What must be agreed to; it is kept with the lead.")
    enroll: Enroll | None = Field(default=None, description="Leads are enrolled, by the workflow's re-entry rules.")
    owner_id: MemberId | None = Field(default=None, description="Of new leads.")
    tags: list[Tag] = Field(default_factory=list[str], max_length=100, description="Added to leads.")
    source: Text = Field(default="", description="Of new leads; empty: the form's name.")
    frame_ancestors: list[Origin] = Field(
        default_factory=list[str], max_length=50, description="Origins whose pages may embed it; empty: none."
    )
    status: FormStatus = Field(default=FormStatus.ACTIVE, strict=False, description="A paused form takes nothing.")


class LeadFormUpdate(LeadFormFields):
    """What to change."""

    name: Line = Field(default_factory=str)
    fields: Fields = Field(default_factory=list[FormField])


class LeadFormOut(LeadFormFields):
    id: int
    token: str = Field(description="In the form's address; who has it may fill it in.")
    url: str = Field(description="The form's page.")
    embed_url: str = Field(description="The page for an iframe.")
    submission_count: int
    refused_count: int = Field(description="Taken for spam.")
    created_at: datetime
    updated_at: datetime


class LeadFormList(BaseModel):
    lead_forms: list[LeadFormOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class SubmissionOut(BaseModel):
    """One sending of the form."""

    id: int
    lead_id: str
    lead_public_id: str
    created_lead: bool = Field(description="False: a lead with this address was there already, and was changed.")
    fields: dict[str, Any] = Field(description="What was filled in.")
    consent_text: str = Field(description="What was agreed to, as it read then.")
    address: str = Field(description="IP address of the sender.")
    workflow_id: int | None
    enrollment_id: int | None
    not_enrolled: str | None = Field(description="Why there is no enrollment although the form asks for one.")
    created_at: datetime


class SubmissionList(BaseModel):
    submissions: list[SubmissionOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
