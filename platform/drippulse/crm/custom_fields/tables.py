"""Table of custom fields."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    URL = "url"
    EMAIL = "email"


class CustomField(Table, tablename="custom_field", db=DB):
    """One field of one record type. Its values stand in the records' `custom_fields`, under its key."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    record_type = Text()
    key = Text(help_text="unique for the record type, never changed")
    label = Text()
    type = Text(choices=FieldType, help_text="never changed")
    options = JSONB(default="[]", help_text="the values of a select")
    required = Boolean(default=False, help_text="when a record is created")
    default_value = JSONB(null=True, default=None)
    description = Text(default="")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
