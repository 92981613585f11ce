"""Tables of lead forms."""

from enum import StrEnum

from piccolo.columns import JSONB, UUID, Array, BigInt, BigSerial, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class FormStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class InputType(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    EMAIL = "email"
    TEL = "tel"
    URL = "url"
    NUMBER = "number"
    DATE = "date"
    TEXTAREA = "textarea"
    SELECT = "select"
    CHECKBOX = "checkbox"


class LeadForm(Table, tablename="lead_form", db=DB):
    """A form, and how often it was sent."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text(help_text="for the team")
    title = Text(help_text="for those who fill it in")
    description = Text(default="")
    fields = JSONB(help_text="FormField, in their order")
    submit_label = Text()
    success_message = Text()
    redirect_url = Text(null=True, default=None, help_text="where to go instead of the success message")
    consent_text = Text(default="", help_text="what must be agreed to; empty: nothing")
    workflow_id = BigInt(null=True, default=None, help_text="leads are enrolled in it")
    owner_id = BigInt(null=True, default=None, help_text="of new leads")
    tags = Array(base_column=Text(), help_text="added to leads")
    source = Text(default="", help_text="of new leads")
    frame_ancestors = Array(base_column=Text(), help_text="origins whose pages may embed it")
    status = Text(choices=FormStatus)
    token = Text(help_text="in the address of the form; 192 random bits")
    submission_count = BigInt(default=0)
    refused_count = BigInt(default=0, help_text="taken for spam")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class LeadFormSubmission(Table, tablename="lead_form_submission", db=DB):
    """One sending of a form that made or changed a lead."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    form_id = BigInt()
    lead_id = UUID(default=None)
    lead_public_id = Text()
    created_lead = Boolean(help_text="false: the lead was there already")
    data = JSONB(help_text="field name -> what was filled in")
    consent_text = Text(default="", help_text="what was agreed to, as it read then")
    address = Text(default="", help_text="of the sender")
    workflow_id = BigInt(null=True, default=None)
    enrollment_id = BigInt(null=True, default=None)
    not_enrolled = Text(null=True, default=None, help_text="why not")
    created_at = Timestamptz(default=TimestamptzNow())
