"""Which records of a group are suggested, why, and how surely. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final
from uuid import UUID

from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.presentation import Row, present_column
from drippulse.crm.tables import RecordType
from drippulse.kit.errors import ValidationError
from drippulse.kit.pagination import Position

_PEOPLE = (Reason.ADDRESS, Reason.NAME_AND_DOMAIN, Reason.NAME_AND_COMPANY, Reason.PHONE)
REASONS: Final[Mapping[RecordType, Sequence[Reason]]] = {
    RecordType.ACCOUNT: (Reason.DOMAIN, Reason.NAME, Reason.PHONE),
    RecordType.CONTACT: _PEOPLE,
    RecordType.LEAD: _PEOPLE,
}
"""Of each record type that is compared, the surest first."""
SCORES: Final[Mapping[Reason, float]] = {
    Reason.ADDRESS: 0.95,
    Reason.DOMAIN: 0.9,
    Reason.NAME_AND_DOMAIN: 0.85,
    Reason.NAME_AND_COMPANY: 0.75,
    Reason.NAME: 0.75,
    Reason.PHONE: 0.6,
}
SHOWN: Final[Mapping[RecordType, Sequence[str]]] = {
    RecordType.ACCOUNT: ("id", "public_id", "name", "domain", "website", "phone", "created_at"),
    **dict.fromkeys(
        (RecordType.CONTACT, RecordType.LEAD),
        ("id", "public_id", "email", "first_name", "last_name", "company", "phone", "created_at"),
    ),
}
"""What is shown of a record."""
LEAST_KEY, LARGEST_KEY = -(2**63), 2**63 - 1
MOST_MEMBERS: Final = 50
"""Of a larger group the oldest are looked at."""

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: at this reason (its index) and key, after so many groups."""

    reason: int = 0
    key: int = LEAST_KEY
    seen: int = 0

    def after(self, key: int, reasons: int) -> "Place | None":
        """Behind this key, or at the next reason; None behind the last."""
        if key < LARGEST_KEY:
            return Place(self.reason, key + 1, self.seen)
        return Place(self.reason + 1, LEAST_KEY, self.seen) if self.reason + 1 < reasons else None

    @property
    def position(self) -> Position:
        """For a cursor."""
        return Position(self.reason + 1, f"{self.key} {self.seen}")


def read_place(position: Position | None, reasons: int) -> Place:
    """Raises ValidationError: the cursor was made by another list, or by hand."""
    if position is None:
        return Place()
    try:
        key, seen = (int(part) for part in str(position.value).split(" "))
        place = Place(int(position.key) - 1, key, seen)
    except ValueError:
        place = None
    if place is None or place.reason >= reasons or not LEAST_KEY <= place.key <= LARGEST_KEY or place.seen < 0:
        sentence = "This cursor was not made by this list with these filters; start without one."
        raise ValidationError(sentence, errors={"cursor": ["Not a cursor of this list."]})
    return place


def pair(one: UUID, other: UUID) -> Pair:
    """The two in the order in which they are stored."""
    return (one, other) if one < other else (other, one)


def suggested(members: Sequence[Row], dismissed: Collection[Pair]) -> list[Row]:
    """Those (rows with `id`) that may be the same as another one of them."""
    ids = [member["id"] for member in members]
    return [
        member
        for member in members
        if any(other != member["id"] and pair(member["id"], other) not in dismissed for other in ids)
    ]


def shared(members: Sequence[Row], reasons: Sequence[Reason]) -> list[Reason]:
    """The reasons that hold for all of them; a row has its keys as `by_<reason>`."""
    first = members[0]
    return [
        reason
        for reason in reasons
        if (key := first[f"by_{reason}"]) is not None and all(member[f"by_{reason}"] == key for member in members)
    ]


def score(reasons: Collection[Reason]) -> float:
    """0 to 1; independent reasons add to each other."""
    return round(1 - prod(1 - SCORES[reason] for reason in reasons), 3)


def summary(kind: RecordType, row: Row) -> dict[str, Any]:
    """The record in short, as JSON has it."""
    return {name: present_column(kind, name, row[name]) for name in SHOWN[kind]}
