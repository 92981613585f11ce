"""What goes into and comes out of duplicates."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from drippulse.crm.duplicates.state import MOST_MEMBERS
from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.schemas import Reference
from drippulse.kit.validation import Input

Compared = Literal["account", "contact", "lead"]
Score = Annotated[float, Field(description="0 to 1; more reasons make it higher.")]


class DuplicateRecord(BaseModel):
    """What identifies a record; people have names and an address, accounts a name and a domain."""

    id: str
    public_id: str
    created_at: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    phone: str | None = None
    name: str | None = None
    domain: str | None = None
    website: str | None = None


class DuplicateGroupOut(BaseModel):
    """Records that may be the same."""

    record_type: Compared
    reasons: list[Reason] = Field(description="What all of them have in common, the surest first.")
    score: Score
    record_count: int
    records: list[DuplicateRecord] = Field(description=f"The oldest {MOST_MEMBERS}, oldest first.")


class DuplicateGroupList(BaseModel):
    """Groups of records that may be the same, the surest reason first."""

    duplicates: list[DuplicateGroupOut]
    total_count: int
    total_count_is_lower_bound: bool = Field(default=False, description="There may be more behind `next_cursor`.")
    next_cursor: str | None = Field(
        description="Where to go on; null at the end. A page may have fewer groups than asked for, even none."
    )
    is_complete: bool = Field(description="False while records that were written lately are still to be compared.")


class DuplicateOut(BaseModel):
    """A record that may be the same."""

    reasons: list[Reason]
    score: Score
    record: DuplicateRecord


class DuplicatesOfRecord(BaseModel):
    """What may be the same as one record, the surest first; at most 50."""

    duplicates: list[DuplicateOut]
    total_count: int
    total_count_is_lower_bound: bool = False
    is_complete: bool = Field(description="False while records that were written lately are still to be compared.")


class Dismissal(Input):
    """Records that are not the same."""

    record_type: Compared
    record_ids: list[Reference] = Field(
        min_length=2, max_length=MOST_MEMBERS, description="None of them is suggested with another of them any more."
    )
    dismissed: bool = Field(default=True, description="False: they may be suggested again.")


class DismissalOut(BaseModel):
    """What was put away, or taken back."""

    record_type: Compared
    record_ids: list[str]
    dismissed: bool
    changed_pairs: int = Field(description="Pairs of which it was not so before.")
