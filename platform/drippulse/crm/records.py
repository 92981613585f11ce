"""What the record types have in common, and what each has of its own: its table, its input, what it refers to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from piccolo.columns import JSONB, UUID, Array, BigInt, Column, Date, DoublePrecision, Integer, Numeric, SmallInt, Text
from piccolo.columns import Timestamptz as Timestamp
from piccolo.table import Table
from pydantic import BaseModel, Field, create_model

from drippulse.crm.schemas import (
    KEPT,
    AccountFields,
    ActivityFields,
    ContactFields,
    LeadFields,
    OpportunityFields,
    RecordFields,
)
from drippulse.crm.tables import Account, Activity, Contact, Lead, Opportunity, RecordType
from drippulse.kit.nulls import of_updates

HIDDEN = frozenset({"organization_id", "email_key", "deleted_at", "merged_into_id"})
"""Columns that no answer shows."""
FIRST = ("id", "public_id")
TOTALS: Mapping[str, Any] = {
    "total_count": (int, ...),
    "total_count_is_lower_bound": (bool, Field(default=False, description="More than this were found.")),
    "next_cursor": (str | None, Field(default=None, description="Of paginated answers.")),
}
TYPES: Mapping[type[Column], Any] = {
    UUID: str,
    Text: str,
    BigInt: int,
    Integer: int,
    SmallInt: int,
    DoublePrecision: float,
    Numeric: float,
    Date: str,
    Timestamp: str,
    JSONB: dict[str, Any],
    Array: list[str],
}
"""What answers have of a column."""
SQL_TYPES: Mapping[type[Column], str] = {
    UUID: "uuid",
    Text: "text",
    BigInt: "bigint",
    Integer: "integer",
    SmallInt: "smallint",
    DoublePrecision: "double precision",
    Numeric: "numeric",
    Date: "date",
    Timestamp: "timestamptz",
    JSONB: "jsonb",
    Array: "text[]",
}
"""What PostgreSQL calls it."""


@dataclass(frozen=True)
class RecordSpec:
    """One record type.

    `references`: column -> type of the record whose id it holds. `managed`: columns that only actions of their own
    change, such as converting; a client that echoes them back is not refused.
    """

    kind: RecordType
    plural: str
    table: type[Table]
    fields: type[RecordFields]
    references: Mapping[str, RecordType]
    managed: frozenset[str] = frozenset()

    @cached_property
    def columns(self) -> dict[str, Column]:
        """What answers show, by name, in their order."""
        own = {column._meta.name: column for column in self.table._meta.columns}  # pyright: ignore[reportPrivateUsage] - Piccolo's way to list columns
        names = [*FIRST, *(name for name in own if name not in HIDDEN and name not in FIRST)]
        return {name: own[name] for name in names}

    @cached_property
    def select(self) -> str:
        """The columns of a SELECT over the table as `r`; `deleted_at` and the address's key come too."""
        hidden = [name for name in ("email_key", "deleted_at", "merged_into_id") if hasattr(self.table, name)]
        return ", ".join(f"r.{name}" for name in (*self.columns, *hidden))

    @cached_property
    def changes(self) -> type[RecordFields]:
        """What an update takes: `fields` of which none is required. Null empties one, where it can be empty."""
        return create_model(f"{self.kind.value.title()}Changes", __base__=self.fields, **of_updates(self.fields, KEPT))

    @property
    def read_only(self) -> frozenset[str]:
        """Fields of an answer that nobody sends; echoed back they are ignored."""
        return frozenset(self.columns) - frozenset(self.fields.model_fields)

    @property
    def unique_by_email(self) -> bool:
        return hasattr(self.table, "email_key")

    @cached_property
    def answer(self) -> type[BaseModel]:
        """The shape of an answer, for the API descriptions."""
        shown: dict[str, Any] = {name: (self._shown(name, column), ...) for name, column in self.columns.items()}
        return create_model(f"{self.kind.value.title()}Out", __doc__=f"{self.fields.__doc__}", **shown)

    def _shown(self, name: str, column: Column) -> Any:
        """What an answer has of a column: the enum that goes in, else its type."""
        taken = self.fields.model_fields.get(name)
        annotation = None if taken is None else taken.annotation
        return annotation if isinstance(annotation, type) and issubclass(annotation, Enum) else _type(column)

    @cached_property
    def list_answer(self) -> type[BaseModel]:
        name = f"{self.kind.value.title()}List"
        rows: dict[str, Any] = {self.plural: (list[self.answer], ...)}
        return create_model(name, __doc__=f"A list of {self.plural}.", **rows, **TOTALS)


def _type(column: Column) -> Any:
    found = TYPES[type(column)]
    return found | None if column._meta.null else found  # pyright: ignore[reportPrivateUsage] - as above


ACCOUNT, CONTACT, LEAD = RecordType.ACCOUNT, RecordType.CONTACT, RecordType.LEAD
SPECS: Mapping[RecordType, RecordSpec] = {
    spec.kind: spec
    for spec in (
        RecordSpec(ACCOUNT, "accounts", Account, AccountFields, {}),
        RecordSpec(CONTACT, "contacts", Contact, ContactFields, {"account_id": ACCOUNT}),
        RecordSpec(
            LEAD,
            "leads",
            Lead,
            LeadFields,
            {"contact_id": CONTACT},
            managed=frozenset(
                {"converted_at", "converted_account_id", "converted_contact_id", "converted_opportunity_id"}
            ),
        ),
        RecordSpec(
            RecordType.OPPORTUNITY,
            "opportunities",
            Opportunity,
            OpportunityFields,
            {"account_id": ACCOUNT, "contact_id": CONTACT},
            managed=frozenset({"stage_position", "closed_at"}),
        ),
        RecordSpec(
            RecordType.ACTIVITY,
            "activities",
            Activity,
            ActivityFields,
            {"account_id": ACCOUNT, "contact_id": CONTACT, "lead_id": LEAD, "opportunity_id": RecordType.OPPORTUNITY},
        ),
    )
}
