"""What goes in and out of custom fields."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from drippulse.crm.custom_fields.tables import FieldType
from drippulse.crm.tables import RecordType
from drippulse.kit.validation import Input, Trimmed


def _without_comma(option: str) -> str:
    if "," in option:
        raise ValueError("must be without a comma")
    return option


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Label = Annotated[str, Trimmed(200)]
Option = Annotated[str, Trimmed(200, pattern=r"^[^,]*[^\s\x85,][^,]*$"), AfterValidator(_without_comma)]
Description = Annotated[str, StringConstraints(max_length=2_000)]
Options = Annotated[list[Option], Field(max_length=500)]

READ_ONLY = frozenset({"id", "organization_id", "created_at", "updated_at"})
FIXED = frozenset({"record_type", "key", "type"})
"""What an update ignores when it is echoed back: a value that was stored under them would mean something else."""


class CustomFieldCreate(Input):
    """A field for all records of a type."""

    record_type: RecordType = Field(strict=False)
    key: Key = Field(description="Its name in `custom_fields`, such as renewal_month.")
    label: Label
    type: FieldType = Field(strict=False)
    options: Options = Field(default_factory=list[Option], description="The values of select and multi_select.")
    required: bool = Field(default=False, description="Records cannot be created without it.")
    default: Any = Field(default=None, description="What new records get that say nothing.")
    description: Description = ""


class CustomFieldUpdate(Input):
    """What to change; key, type and record type stay."""

    label: Label = Field(default_factory=str)
    options: Options = Field(default_factory=list[Option])
    required: bool = Field(default_factory=bool)
    default: Any = None
    description: Description = Field(default_factory=str)


class CustomFieldOut(BaseModel):
    id: int
    record_type: RecordType
    key: str
    label: str
    type: FieldType
    options: list[str]
    required: bool
    default: Any
    description: str
    created_at: datetime
    updated_at: datetime


class CustomFieldList(BaseModel):
    custom_fields: list[CustomFieldOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
