"""What goes in and out of billing."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input
from drippulse.organizations.account.schemas import Line
from drippulse.organizations.members.schemas import Address

READ_ONLY = frozenset({"usage", "updated_at"})
"""Fields of an answer that a client may echo back; they are ignored."""


def _tax_id(text: str) -> str:
    """As people write it, with blanks, dots and dashes; registries differ too much to check more."""
    if not any(character.isdigit() for character in text):
        raise ValueError("must contain digits, as every tax number does")
    return text


Country = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2, such as DE or US.")
]
TaxId = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9 ./-]{4,40}$"), AfterValidator(_tax_id)
]


class BillingAddress(Input):
    """Where the company sits. A member that is left out stays as it is; null takes it away."""

    line1: Line | None = None
    line2: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    state: Line | None = None
    country: Country | None = None


class BillingUpdate(Input):
    """What to change; fields left out stay as they are, null takes one away."""

    company_name: Line | None = Field(default=None, description="In bills; else the organization's name.")
    email: Address | None = Field(default=None, description="Where bills are sent.")
    tax_id: TaxId | None = Field(default=None, description="Such as a VAT number.")
    purchase_order: Line | None = Field(default=None, description="A reference that bills carry.")
    address: BillingAddress = Field(default_factory=BillingAddress)


class BillingUsage(BaseModel):
    """Since the first of the month, in UTC; members and records are counted now."""

    period_start: date
    period_end: date = Field(description="The first day that does not belong to the period.")
    mails_sent: int
    api_requests: int = Field(description="Of API keys; the last seconds may be missing.")
    members: int = Field(description="Active ones.")
    records: dict[str, int] = Field(description="Record type -> how many there are, without deleted ones.")


class BillingOut(BaseModel):
    """Who bills are written to, and what was used this month."""

    company_name: str | None
    email: str | None
    tax_id: str | None
    purchase_order: str | None
    address: BillingAddress
    usage: BillingUsage
    updated_at: datetime = Field(description="When the account was changed last.")
