"""Rows of a bundle that were read. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drippulse.crm.bundles.load_schemas import RowExtras


@dataclass(slots=True)
class Candidate:
    """A row that was read. `values` are columns as `state.columns` gives them, `sent` the names that came."""

    index: int
    extras: RowExtras
    values: dict[str, Any]
    sent: frozenset[str]
    refs: tuple[str, ...]
    """What the bundle calls it."""
    notes: list[str] = field(default_factory=list[str])

    @property
    def external(self) -> tuple[str, str] | None:
        system, external_id = self.values.get("external_system"), self.values.get("external_id")
        return None if system is None or external_id is None else (system, external_id)

    @property
    def keys(self) -> set[Any]:
        """Nothing else in a portion has one of these."""
        found = {self.extras.public_id, self.external, self.values.get("email_key")}
        return {key for key in found if key is not None}


def apart(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """In portions in which no two may mean the same record: the later one finds the earlier one written."""
    seen: set[Any] = set()
    group: list[Candidate] = []
    for candidate in candidates:
        if seen & candidate.keys:
            yield group
            seen, group = set(), []
        seen |= candidate.keys
        group.append(candidate)
    if group:
        yield group


def reference(candidate: Candidate, column: str) -> str | None:
    ref = candidate.values.get(column) if column in candidate.values else getattr(candidate.extras, column, None)
    if isinstance(ref, str):
        as_id = uuid_of(ref)
        return ref if as_id is None else str(as_id)
    return None


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
