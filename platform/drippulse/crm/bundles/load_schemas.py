"""What a row of a bundle may hold beside the fields of its record."""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator

from drippulse.crm.bundles.rows import CONVERTED
from drippulse.crm.pipelines.schemas import MAX_STAGES, PipelineName, StageType
from drippulse.crm.records import SPECS
from drippulse.crm.schemas import Moment, Percent, Reference
from drippulse.crm.tables import PUBLIC_PREFIX, OpportunityStatus, RecordType
from drippulse.kit.validation import Input, Trimmed

PUBLIC_ID = re.compile(r"[a-z]+_[A-Za-z0-9_-]{1,60}")
MOST = 1 << 62
"""Positions beyond would leave no room before and behind."""
IGNORED = frozenset({"updated_at", "merged_into", "email_key", "organization_id"})


class RowExtras(Input):
    """Identity, and what is kept of the record's past."""

    public_id: Annotated[str, Trimmed(80, empty=True)] | None = None
    id: str | None = None
    created_at: Moment | None = None
    deleted_at: Moment | None = None
    closed_at: Moment | None = None
    converted_at: Moment | None = None
    converted_account_id: Reference | None = None
    converted_contact_id: Reference | None = None
    converted_opportunity_id: Reference | None = None
    stage_position: int | None = Field(default=None, ge=-MOST, le=MOST)

    @field_validator("id")
    @classmethod
    def _uuid(cls, text: str | None) -> str | None:
        if text is not None:
            UUID(text)
            return text.lower()
        return None


class StageIn(Input):
    public_id: Reference | None = None
    name: PipelineName
    stage_type: StageType = OpportunityStatus.OPEN
    probability: Percent = 0


class PipelineIn(Input):
    """A pipeline of a bundle."""

    public_id: Reference | None = None
    name: PipelineName
    owner_id: int | None = None
    is_default: bool = False
    stages: list[StageIn] = Field(min_length=1, max_length=MAX_STAGES)


class OwnerIn(Input):
    """A member of the organization that the bundle comes from."""

    id: int
    username: str = ""
    email: str | None = None


def split_row(kind: RecordType, row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record's own fields, and the others."""
    spec = SPECS[kind]
    extras = set(RowExtras.model_fields) - set(spec.fields.model_fields)
    ignored = (spec.read_only | IGNORED) - extras
    fields = {name: value for name, value in row.items() if name not in extras and name not in ignored}
    known = {"public_id", "id", "created_at", "deleted_at"}
    if kind is RecordType.LEAD:
        known |= {"converted_at", *CONVERTED}
    elif kind is RecordType.OPPORTUNITY:
        known |= {"closed_at", "stage_position"}
    others = {name: value for name, value in row.items() if name in extras}
    fields |= {name: value for name, value in others.items() if name not in known}  # refused there, by name
    return fields, {name: value for name, value in others.items() if name in known}


def is_public_id(kind: RecordType, text: str) -> bool:
    """Whether it can be the public id of a record of this type; ours, or another system's of the same shape."""
    return text.startswith(f"{PUBLIC_PREFIX[kind]}_") and PUBLIC_ID.fullmatch(text) is not None
