"""What goes into and comes out of converting a lead."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from drippulse.crm.records import SPECS
from drippulse.crm.schemas import AccountFields, ContactFields, MemberId, Name, OpportunityFields, Reference
from drippulse.crm.tables import RecordType
from drippulse.kit.schema_rules import NULL, all_of, excludes, together
from drippulse.kit.validation import Input

SET_BY_CONVERTING = "is set by converting; leave it out"
EXTERNAL = together("external_system", "external_id")


def _refuse(value: object) -> object:
    if value is not None:
        raise ValueError(SET_BY_CONVERTING)
    return value


class ConversionAccount(AccountFields):
    """Fields of the account; those left out come from the lead."""

    name: Name = Field(default_factory=str)


class ConversionContact(ContactFields):
    """Fields of the contact; those left out come from the lead."""

    model_config = ConfigDict(json_schema_extra=all_of(EXTERNAL, {"properties": {"account_id": NULL}}))

    _own_account = field_validator("account_id")(_refuse)


class ConversionOpportunity(OpportunityFields):
    """Fields of the opportunity. Without a name it is called like the account, or like the person."""

    model_config = ConfigDict(
        json_schema_extra=all_of(EXTERNAL, {"properties": {"account_id": NULL, "contact_id": NULL}})
    )

    name: Name = Field(default_factory=str)
    _own_account = field_validator("account_id")(_refuse)
    _own_contact = field_validator("contact_id")(_refuse)


class LeadConversion(Input):
    """Into what a lead is converted. An empty body makes or finds all three."""

    model_config = ConfigDict(
        json_schema_extra=all_of(excludes("account_id", "account"), excludes("contact_id", "contact"))
    )

    account: ConversionAccount | None = Field(
        default=None,
        description="Used when none has its external id, domain or name; null: no account. Left out: the contact's "
        "account, else one for the lead's company.",
    )
    account_id: Reference | None = None
    contact: ConversionContact = Field(
        default_factory=ConversionContact, description="Used when none has its external id or address."
    )
    contact_id: Reference | None = None
    opportunity: ConversionOpportunity | None = Field(
        default=None, description="Left out: one with the account's name; null: none."
    )
    owner_id: MemberId | None = Field(default=None, description="Who owns what is new; left out: the lead's owner.")

    @model_validator(mode="after")
    def _one_of_each(self) -> "LeadConversion":
        for name in ("account", "contact"):
            if getattr(self, f"{name}_id") is not None and name in self.model_fields_set:
                raise ValueError(f"give {name} or {name}_id, not both")
        return self

    @property
    def wants_account(self) -> bool:
        return self.account is not None or "account" not in self.model_fields_set

    @property
    def wants_opportunity(self) -> bool:
        return self.opportunity is not None or "opportunity" not in self.model_fields_set


class MovedOut(BaseModel):
    """What went over to the contact."""

    activities: int = Field(description="Activities of the lead that are shown on the contact too.")
    enrollments: int = Field(description="Runs of workflows that are the contact's now.")
    cancelled_enrollments: int = Field(
        description="Runs that ended, because the contact had one of its own in the same workflow."
    )


_ANSWERS: dict[str, Any] = {
    "lead": (SPECS[RecordType.LEAD].answer, ...),
    "account": (SPECS[RecordType.ACCOUNT].answer | None, ...),
    "contact": (SPECS[RecordType.CONTACT].answer, ...),
    "opportunity": (SPECS[RecordType.OPPORTUNITY].answer | None, ...),
    "created": (list[RecordType], Field(description="Which of them are new; the others were found.")),
    "moved": (MovedOut, ...),
    "changeset_id": (int, ...),
}
ConversionOut = create_model(
    "ConversionOut", __doc__="What a lead was converted into. Reverting the changeset undoes it.", **_ANSWERS
)
