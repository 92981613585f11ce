"""Tables of CRM records and of the pipelines that opportunities stand in."""

from enum import StrEnum

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Date,
    DoublePrecision,
    Integer,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class RecordType(StrEnum):
    ACCOUNT = "account"
    CONTACT = "contact"
    LEAD = "lead"
    OPPORTUNITY = "opportunity"
    ACTIVITY = "activity"


PUBLIC_PREFIX = {
    RecordType.ACCOUNT: "acct",
    RecordType.CONTACT: "cnt",
    RecordType.LEAD: "lead",
    RecordType.OPPORTUNITY: "opp",
    RecordType.ACTIVITY: "act",
}


class OpportunityStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class ActivityType(StrEnum):
    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    NOTE = "note"
    TASK = "task"


class Identity:
    """What every record has. Deleting is soft: the row stays, and its unique values are free again."""

    id = UUID(primary_key=True, default=None, help_text="UUID of version 7")
    organization_id = BigInt()
    public_id = Text(help_text="a prefix and the id in other letters, such as cnt_…")
    external_system = Text(null=True, default=None)
    external_id = Text(null=True, default=None, help_text="unique together with external_system")
    owner_id = BigInt(null=True, default=None, help_text="a member of the organization")
    tags = Array(base_column=Text(), default=list)
    attributes = JSONB(default="{}", help_text="free-form")
    custom_fields = JSONB(default="{}", help_text="key -> value, as the organization's definitions say")
    merged_into_id = UUID(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class Address:
    """A postal address."""

    street = Text(default="")
    city = Text(default="")
    state = Text(default="")
    postal_code = Text(default="")
    country = Text(default="")


class Person(Address):
    """What contacts and leads have in common."""

    email = Text(null=True, default=None)
    email_key = Text(null=True, default=None, help_text="`same_mailbox_key` of the address; unique")
    first_name = Text(default="")
    last_name = Text(default="")
    company = Text(default="")
    title = Text(default="")
    phone = Text(default="")
    timezone = Text(null=True, default=None, help_text="IANA name")
    description = Text(default="")


class Account(Identity, Address, Table, tablename="account", db=DB):
    """An organization that we sell to."""

    name = Text()
    domain = Text(default="", help_text="such as example.com; suggests duplicates")
    website = Text(default="")
    industry = Text(default="")
    phone = Text(default="")
    employee_count = Integer(null=True, default=None)
    annual_revenue = Numeric(digits=(18, 2), null=True, default=None)
    description = Text(default="")


class Contact(Identity, Person, Table, tablename="contact", db=DB):
    """Somebody we know."""

    account_id = UUID(null=True, default=None)


class Lead(Identity, Person, Table, tablename="lead", db=DB):
    """Somebody who may become a customer."""

    score = DoublePrecision(null=True, default=None)
    status = Text(default="new")
    source = Text(default="")
    website = Text(default="")
    contact_id = UUID(null=True, default=None, help_text="the contact that it is, where it is known already")
    converted_at = Timestamptz(null=True, default=None)
    converted_account_id = UUID(null=True, default=None)
    converted_contact_id = UUID(null=True, default=None)
    converted_opportunity_id = UUID(null=True, default=None)


class Opportunity(Identity, Table, tablename="opportunity", db=DB):
    """A deal. It stands in exactly one stage of one pipeline; the stage keeps its status."""

    name = Text()
    account_id = UUID(null=True, default=None)
    contact_id = UUID(null=True, default=None)
    pipeline_id = UUID(default=None)
    pipeline_stage_id = UUID(default=None)
    stage_position = BigInt(help_text="orders the stage's cards; gaps are allowed")
    status = Text(default=OpportunityStatus.OPEN, choices=OpportunityStatus)
    amount = Numeric(digits=(18, 2), null=True, default=None)
    currency = Text(default="USD", help_text="ISO 4217")
    probability = SmallInt(null=True, default=None, help_text="percent; null: the stage's")
    expected_close_date = Date(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None, help_text="since when it is won or lost")
    lost_reason = Text(default="")
    source = Text(default="")
    description = Text(default="")


class Activity(Identity, Table, tablename="activity", db=DB):
    """Something done or to be done about other records."""

    type = Text(default=ActivityType.NOTE, choices=ActivityType)
    subject = Text(default="")
    body = Text(default="")
    outcome = Text(default="")
    occurred_at = Timestamptz(null=True, default=None)
    due_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    duration_minutes = Integer(null=True, default=None)
    account_id = UUID(null=True, default=None)
    contact_id = UUID(null=True, default=None)
    lead_id = UUID(null=True, default=None)
    opportunity_id = UUID(null=True, default=None)


class Pipeline(Table, tablename="pipeline", db=DB):
    """The organization's default one, or a clone that a user owns."""

    id = UUID(primary_key=True, default=None)
    organization_id = BigInt()
    public_id = Text(help_text="pipe_…")
    name = Text()
    user_id = BigInt(null=True, default=None, help_text="its owner; null for the organization's")
    is_default = Boolean(default=False, help_text="the organization's default; one at most")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class PipelineStage(Table, tablename="pipeline_stage", db=DB):
    id = UUID(primary_key=True, default=None)
    organization_id = BigInt()
    pipeline_id = UUID(default=None)
    public_id = Text(help_text="stage_…")
    name = Text()
    stage_type = Text(
        default=OpportunityStatus.OPEN, choices=OpportunityStatus, help_text="the status of what is in it"
    )
    probability = SmallInt(default=0, help_text="percent")
    position = Integer()
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class PipelinePreference(Table, tablename="pipeline_preference", db=DB):
    """The pipeline that a user sees first."""

    organization_id = BigInt(primary_key=True)
    user_id = BigInt()
    pipeline_id = UUID(default=None)
