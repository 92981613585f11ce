"""What goes into and comes out of a merge."""

from functools import cache
from typing import Any

from pydantic import BaseModel, Field, create_model

from drippulse.crm.records import SPECS
from drippulse.crm.schemas import Reference
from drippulse.crm.tables import RecordType
from drippulse.kit.validation import Input

MOST = 20


class Merge(Input):
    """Which records become one."""

    merge: list[Reference] = Field(
        min_length=1, max_length=MOST, description="UUIDs or public ids of the records that go into this one."
    )
    fields: dict[str, Reference] = Field(
        default_factory=dict[str, Reference],
        max_length=100,
        description="Field -> the record whose value counts: this one or one of `merge`. Otherwise what this one has "
        "stays, and what it lacks is filled.",
    )


class EnrollmentsOut(BaseModel):
    """Runs that followed."""

    moved: int
    cancelled: int = Field(description="Of those; workflows that take a contact once at a time keep one run.")


class MergeOut(BaseModel):
    """What a merge did; the record that is left stands beside it."""

    merged: list[str] = Field(description="Public ids of the records that are gone.")
    changeset_id: int = Field(description="Reverting it takes the merge back.")
    moved: dict[str, int] = Field(description="Records that refer to this one now, by their plural.")
    enrollments: EnrollmentsOut


@cache
def merge_answer(kind: RecordType) -> type[MergeOut]:
    """What a merge of records of this type answers."""
    record: dict[str, Any] = {"record": (SPECS[kind].answer, ...)}
    return create_model(f"{kind.value.title()}MergeOut", __base__=MergeOut, __doc__=MergeOut.__doc__, **record)
