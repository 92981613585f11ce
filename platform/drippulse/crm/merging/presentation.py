"""A merge as it is answered. Pure."""

from typing import Any

from drippulse.crm.merging.service import Merged
from drippulse.crm.presentation import present
from drippulse.crm.tables import RecordType


def present_merge(kind: RecordType, done: Merged) -> dict[str, Any]:
    """As `MergeOut`, with the record that is left."""
    return {
        "record": present(kind, done.row),
        "merged": [row["public_id"] for row in done.losers],
        "changeset_id": done.changeset_id,
        "moved": dict(done.moved),
        "enrollments": {"moved": done.runs.moved, "cancelled": done.runs.cancelled},
    }
