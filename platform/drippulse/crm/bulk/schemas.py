"""What goes into and comes out of calls that concern many records."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from drippulse.crm.records import SPECS
from drippulse.crm.schemas import MERGED, CustomFieldChanges, MemberId, RecordFields, Reference, Tag
from drippulse.crm.tables import RecordType
from drippulse.kit.nulls import NullAs
from drippulse.kit.schema_rules import NULL, all_of, alone, either
from drippulse.kit.validation import Input

MOST = 10_000
MOST_TAGS = 100
ONE_RECORDS_OWN = ("email", "external_system", "external_id")
"""Unique values: many records may lose, but not share them."""
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), NullAs(list[Any])]


class Selection(Input):
    """Which records: `ids`, or `filter` with the names and operators of the list's query parameters."""

    model_config = ConfigDict(json_schema_extra=either("ids", "filter"))

    ids: list[Reference] | None = Field(
        default=None, max_length=MOST, min_length=1, description="UUIDs or public ids, at most 10,000."
    )
    filter: dict[str, Any] | None = Field(
        default=None,
        description='Conditions as the list takes them, such as {"tags": ["vip"], "created_at[gte]": "2026-01-01", '
        '"q": "ada"}. It may find at most 10,000.',
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "Selection":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("say which records are meant with ids or with filter, and not with both")
        return self


class Assign(Selection):
    """Who owns them from now on."""

    owner_id: MemberId | None = Field(description="A member of the organization; null for nobody.")


class BulkFailure(BaseModel):
    """A record that could not be changed; the others were."""

    id: str = Field(description="As it was named, or its UUID.")
    error: str = Field(description="A code, such as contact_not_found.")
    message: str


class BulkDone(BaseModel):
    """What became of them."""

    failed: list[BulkFailure]
    changeset_id: int | None = Field(description="To revert it; null when nothing was changed.")


class BulkUpdated(BulkDone):
    """How many records were updated, and how many were so already."""

    updated: int
    unchanged: int


class BulkDeleted(BulkDone):
    """How many records were deleted."""

    deleted: int


class BulkChanges(RecordFields):
    """What many records get. `tags` replaces all tags; `add_tags` and `remove_tags` leave the others."""

    add_tags: Tags = Field(default_factory=list[Tag])
    remove_tags: Tags = Field(default_factory=list[Tag])
    custom_fields: CustomFieldChanges = Field(default_factory=dict[str, Any], description=MERGED)

    @field_validator(*ONE_RECORDS_OWN, check_fields=False)
    @classmethod
    def _not_shared(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("no two records share it: set it on one record, or null to take it away from many")
        return value

    @model_validator(mode="after")
    def _some_change(self) -> "BulkChanges":
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        if "tags" in self.model_fields_set and self.model_fields_set & {"add_tags", "remove_tags"}:
            raise ValueError("tags replaces all tags; send it alone, or add_tags and remove_tags")
        return self


class BulkRules(Input):
    """What the schema of changes says over several fields, whatever the type."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            **all_of(alone("tags", "add_tags", "remove_tags"), {"properties": dict.fromkeys(ONE_RECORDS_OWN, NULL)}),
        }
    )


class BulkUpdate(Selection):
    """Which records, and what changes of each."""

    changes: BulkChanges


@cache
def changes_of(kind: RecordType) -> type[BulkChanges]:
    """What a bulk update of this type takes."""
    spec = SPECS[kind]
    made = create_model(f"{kind.value.title()}BulkChanges", __base__=(BulkChanges, spec.changes, BulkRules))
    return cast("type[BulkChanges]", made)


@cache
def bulk_update_of(kind: RecordType) -> type[BulkUpdate]:
    """The body of a bulk update of this type."""
    changes: Mapping[str, Any] = {"changes": (changes_of(kind), ...)}
    return create_model(f"{kind.value.title()}BulkUpdate", __base__=BulkUpdate, __doc__=BulkUpdate.__doc__, **changes)
