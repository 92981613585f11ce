"""Tables of merging."""

from enum import StrEnum

from piccolo.columns import UUID, Array, BigInt, Text
from piccolo.table import Table

from drippulse.kit.db import DB


class AliasKind(StrEnum):
    EMAIL = "email"
    EXTERNAL = "external"


class RecordAlias(Table, tablename="record_alias", db=DB):
    """An address or external id that a record gave up in a merge: who looks for it finds the record that is left.
    A live record that has it comes first."""

    organization_id = BigInt(primary_key=True)
    record_type = Text()
    kind = Text(choices=AliasKind)
    system = Text(default="", help_text="of an external id")
    value = Text(help_text="the external id, or the key of the address")
    owner_id = UUID(default=None, help_text="whose it was")
    record_id = UUID(default=None, help_text="who is found")
    changeset_id = BigInt(help_text="the merge; of several the newest counts")


class MovedRun(Table, tablename="moved_run", db=DB):
    """An enrollment that followed its contact or lead to another record."""

    organization_id = BigInt(primary_key=True)
    changeset_id = BigInt()
    enrollment_id = BigInt()
    from_ref = Text(help_text="its lead_ref before")
    to_ref = Text(help_text="its lead_ref since")
    more_keys = Array(base_column=Text(), default=list, help_text="what events reach it by beside its own keys")
