"""Tables of contacts and leads."""

from enum import StrEnum

from piccolo.columns import JSONB, UUID, Array, BigInt, DoublePrecision, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class RecordType(StrEnum):
    CONTACT = "contact"
    LEAD = "lead"


PUBLIC_PREFIX = {RecordType.CONTACT: "cnt", RecordType.LEAD: "lead"}


class Contact(Table, tablename="contact", db=DB):
    """Somebody we know. Deleting is soft: the row stays, and its unique values are free again."""

    id = UUID(primary_key=True, default=None, help_text="UUID of version 7")
    organization_id = BigInt()
    public_id = Text(help_text="cnt_…, the id in other letters")
    email = Text(null=True, default=None)
    email_key = Text(null=True, default=None, help_text="`same_mailbox_key` of the address; unique")
    first_name = Text(default="")
    last_name = Text(default="")
    company = Text(default="")
    phone = Text(default="")
    timezone = Text(null=True, default=None, help_text="IANA name")
    attributes = JSONB(default="{}")
    tags = Array(base_column=Text(), default=list)
    external_system = Text(null=True, default=None)
    external_id = Text(null=True, default=None, help_text="unique together with external_system")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class Lead(Table, tablename="lead", db=DB):
    """Somebody who may become a customer."""

    id = UUID(primary_key=True, default=None, help_text="UUID of version 7")
    organization_id = BigInt()
    public_id = Text(help_text="lead_…, the id in other letters")
    email = Text(null=True, default=None)
    email_key = Text(null=True, default=None, help_text="`same_mailbox_key` of the address; unique")
    first_name = Text(default="")
    last_name = Text(default="")
    company = Text(default="")
    phone = Text(default="")
    timezone = Text(null=True, default=None, help_text="IANA name")
    attributes = JSONB(default="{}")
    tags = Array(base_column=Text(), default=list)
    external_system = Text(null=True, default=None)
    external_id = Text(null=True, default=None, help_text="unique together with external_system")
    score = DoublePrecision(null=True, default=None)
    status = Text(default="new")
    owner = Text(null=True, default=None)
    contact_id = UUID(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)
