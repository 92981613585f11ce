"""What goes into CRM records. On an update, fields left out stay as they are and null empties one; on creating, null is
as good as left out."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from drippulse.crm.tables import ActivityType, OpportunityStatus
from drippulse.enrollments.contacts import read_timezone
from drippulse.kit.errors import DomainError
from drippulse.kit.moments import storable_day, storable_moment
from drippulse.kit.nulls import NeverNull, NullAs
from drippulse.kit.schema_rules import together
from drippulse.kit.validation import EmailOrEmpty, Input, Trimmed

MAX_AMOUNT = Decimal("9999999999999.99")
"""Two decimals of more would not survive a JSON number."""


KEPT = "Cannot be empty: send a value, or leave it out to keep it."
BY_KEY = "Are merged by key: send null for each key that shall go."
MERGED = "Values of defined fields; merged by key, null removes one."
AMOUNT = {"type": "number", "minimum": -float(MAX_AMOUNT), "maximum": float(MAX_AMOUNT)}


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError('must be a date such as "2026-03-31"') from None
    return storable_day(day)


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError('must be a time such as "2026-03-31T09:00:00Z"') from None
    return storable_moment(moment)


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return value
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number such as 1200.50") from None
    if not amount.is_finite() or abs(amount) > MAX_AMOUNT:
        raise ValueError(f"must be a number of at most {MAX_AMOUNT}")
    return amount.quantize(Decimal("0.01"))


Text = Annotated[str, Trimmed(500, empty=True), NullAs(str)]
Name = Annotated[str, Trimmed(500)]
LongText = Annotated[str, StringConstraints(max_length=100_000), NullAs(str)]
ExternalText = Annotated[str, Trimmed(200)]
Tag = Annotated[str, Trimmed(100)]
Tags = Annotated[list[Tag], Field(max_length=100), NullAs(list[Any])]
Members = Annotated[dict[str, Any], Field(max_length=500)]
Attributes = Annotated[Members, NullAs(dict[str, Any])]
CustomFieldChanges = Annotated[Members, NeverNull(BY_KEY)]
Reference = Annotated[
    str,
    Trimmed(100),
    Field(description="UUID or public id."),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Amount = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(AMOUNT)]
Percent = Annotated[int, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0, le=2_147_483_647)]
MemberId = Annotated[int, Field(ge=1, le=2**63 - 1, description="Id of a user who is a member of the organization.")]


ZONE_NAME = Field(json_schema_extra={"format": "iana-time-zone"}, description="An IANA name, such as Europe/Berlin.")


class RecordFields(Input):
    """What all records have in common."""

    model_config = ConfigDict(json_schema_extra=together("external_system", "external_id"))

    external_system: ExternalText | None = None
    external_id: ExternalText | None = None
    owner_id: MemberId | None = None
    tags: Tags = Field(default_factory=list[Tag])
    attributes: Attributes = Field(default_factory=dict[str, Any], description="Free-form; replaced as a whole.")
    custom_fields: Annotated[Members, NullAs(dict[str, Any], otherwise=BY_KEY)] = Field(
        default_factory=dict[str, Any], description=MERGED
    )

    @model_validator(mode="after")
    def _external_together(self) -> "RecordFields":
        if (self.external_system is None) != (self.external_id is None):
            raise ValueError("give external_system and external_id together")
        return self


class AddressFields(RecordFields):
    """A postal address."""

    street: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Text = ""
    country: Text = ""
    description: LongText = ""


class AccountFields(AddressFields):
    """An account."""

    name: Name
    domain: Text = ""
    website: Text = ""
    industry: Text = ""
    phone: Text = ""
    employee_count: Count | None = None
    annual_revenue: Amount | None = None


class PersonFields(AddressFields):
    """What contacts and leads have in common."""

    email: EmailOrEmpty | None = None
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    title: Text = ""
    phone: Text = ""
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=100), ZONE_NAME] | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return None if name is None else read_timezone(name)
        except DomainError as error:
            raise ValueError(error.message) from None


class ContactFields(PersonFields):
    """A contact."""

    account_id: Reference | None = None


class LeadFields(PersonFields):
    """A lead."""

    score: float | None = Field(default=None, allow_inf_nan=False)
    status: Annotated[str, Trimmed(100), NullAs(lambda: "new", otherwise=KEPT)] = "new"
    source: Text = ""
    website: Text = ""
    contact_id: Reference | None = None


class OpportunityFields(RecordFields):
    """An opportunity. Without a pipeline it goes to the caller's default one, without a stage to its first."""

    name: Name
    account_id: Reference | None = None
    contact_id: Reference | None = None
    pipeline_id: Reference | None = None
    pipeline_stage_id: Reference | None = None
    status: Annotated[OpportunityStatus, NullAs(lambda: OpportunityStatus.OPEN, otherwise=KEPT)] = Field(
        default=OpportunityStatus.OPEN,
        strict=False,
        description="Moves it to a stage of that type.",
    )
    amount: Amount | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), NullAs(lambda: "USD", otherwise=KEPT)] = Field(
        default="USD", description="ISO 4217."
    )
    probability: Percent | None = Field(default=None, description="Percent; null: the stage's.")
    expected_close_date: Day | None = None
    lost_reason: Text = ""
    source: Text = ""
    description: LongText = ""


class ActivityFields(RecordFields):
    """An activity, about any of an account, a contact, a lead and an opportunity."""

    type: Annotated[ActivityType, NullAs(lambda: ActivityType.NOTE, otherwise=KEPT)] = Field(
        default=ActivityType.NOTE, strict=False
    )
    subject: Text = ""
    body: LongText = ""
    outcome: Text = ""
    occurred_at: Moment | None = None
    due_at: Moment | None = None
    completed_at: Moment | None = None
    duration_minutes: Count | None = None
    account_id: Reference | None = None
    contact_id: Reference | None = None
    lead_id: Reference | None = None
    opportunity_id: Reference | None = None
