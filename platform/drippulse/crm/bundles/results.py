"""What became of each row."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RowError(Exception):
    """This row cannot be taken; the others are not concerned. Its text is the reason."""


class RowStatus(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    INVALID = "invalid"


@dataclass(slots=True)
class Report:
    """Collects results; `with_changes` keeps the diffs."""

    with_changes: bool = False
    results: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(
        self,
        index: int,
        record_type: str,
        status: RowStatus,
        public_id: str | None = None,
        reason: str | None = None,
        changes: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        result: dict[str, Any] = {
            "index": index,
            "record_type": record_type,
            "status": status.value,
            "public_id": public_id,
            "reason": reason,
        }
        self.results.append({**result, "changes": changes} if self.with_changes else result)

    def answer(self, changeset_id: int | None, *, dry_run: bool, order: list[str]) -> dict[str, Any]:
        """The whole report; rows of a type stand together, in the order of their places in the bundle."""
        counted = Counter(result["status"] for result in self.results)
        places = {name: place for place, name in enumerate(order)}
        self.results.sort(key=lambda result: (places[result["record_type"]], result["index"]))
        return {
            "dry_run": dry_run,
            "changeset_id": changeset_id,
            "counts": {status.value: counted[status.value] for status in RowStatus},
            "results": self.results,
            "total_count": len(self.results),
        }
