"""Records as a bundle has them: as answers show them, with public ids for what they refer to. Pure."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from drippulse.crm.presentation import Row, present
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat

VERSION = 1
CONVERTED: Mapping[str, RecordType] = {
    "converted_account_id": RecordType.ACCOUNT,
    "converted_contact_id": RecordType.CONTACT,
    "converted_opportunity_id": RecordType.OPPORTUNITY,
}
PLACES = ("pipeline_id", "pipeline_stage_id")
KINDS = (
    RecordType.ACCOUNT,
    RecordType.CONTACT,
    RecordType.OPPORTUNITY,
    RecordType.LEAD,
    RecordType.ACTIVITY,
)
"""In an order in which what a record refers to comes before it."""


def references_of(kind: RecordType) -> dict[str, RecordType]:
    """Column -> type of what it refers to; also those that only converting sets."""
    return {**SPECS[kind].references, **(CONVERTED if kind is RecordType.LEAD else {})}


def bundle_row(
    kind: RecordType,
    row: Row,
    known: Mapping[UUID, tuple[str, bool]],
    places: Mapping[UUID, str],
    defined: Collection[str],
) -> dict[str, Any]:
    """One record. References of live records to deleted ones are left out: the bundle does not hold these.

    Args:
        known: id of a record -> its public id, and whether it lives.
        places: id of a pipeline or stage -> its public id.
        defined: keys of the custom fields that there are; values of deleted ones stay behind.
    """
    shown = present(kind, row)
    shown["custom_fields"] = {key: value for key, value in shown["custom_fields"].items() if key in defined}
    gone = row["deleted_at"] is not None
    for column in references_of(kind):
        if row[column] is None:
            continue
        public_id, lives = known.get(row[column], (None, False))
        if lives or gone:
            shown[column] = public_id
        else:
            del shown[column]
    if kind is RecordType.OPPORTUNITY:
        shown |= {column: places.get(row[column]) for column in PLACES}
    if gone:
        merged = row["merged_into_id"]
        shown["deleted_at"] = isoformat(row["deleted_at"])
        shown["merged_into"] = known[merged][0] if merged in known else None
    return shown
