"""Which records of a group are suggested, why, and where a list of groups goes on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.crm.duplicates.state import (
    LARGEST_KEY,
    LEAST_KEY,
    REASONS,
    Place,
    pair,
    read_place,
    score,
    shared,
    suggested,
)
from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.tables import RecordType
from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Kind
from drippulse.kit.pagination import NEWEST_FIRST, Position
from drippulse.kit.pagination_cursors import encode_position, read_position

numbers = st.integers(0, 7)
pairs = st.sets(st.tuples(numbers, numbers).filter(lambda two: two[0] != two[1]))
keys = st.one_of(st.none(), st.integers(0, 2))


def members(ids: set[int]) -> list[Mapping[str, Any]]:
    return [{"id": UUID(int=number)} for number in sorted(ids)]


@given(st.sets(numbers), pairs)
def test_a_record_is_suggested_while_it_may_be_the_same_as_one_other(ids: set[int], told: set[tuple[int, int]]) -> None:
    dismissed = {pair(UUID(int=one), UUID(int=other)) for one, other in told}
    kept = {row["id"].int for row in suggested(members(ids), dismissed)}
    for one in ids:
        open_pairs = [other for other in ids - {one} if (one, other) not in told and (other, one) not in told]
        assert (one in kept) is bool(open_pairs)
    assert len(kept) != 1


@given(st.lists(st.tuples(keys, keys, keys, keys), min_size=1, max_size=4))
def test_a_reason_holds_when_all_have_the_same_and_nobody_has_nothing(rows: list[tuple[int | None, ...]]) -> None:
    reasons = REASONS[RecordType.CONTACT]
    found = shared([{f"by_{reason}": row[at] for at, reason in enumerate(reasons)} for row in rows], reasons)
    for at, reason in enumerate(reasons):
        column = {row[at] for row in rows}
        assert (reason in found) is (len(column) == 1 and None not in column)


@given(st.sets(st.sampled_from(list(Reason)), min_size=1), st.sampled_from(list(Reason)))
def test_more_reasons_never_make_it_less_sure(reasons: set[Reason], more: Reason) -> None:
    assert 0 < score(reasons) <= score(reasons | {more}) <= 1


@given(st.integers(0, 3), st.integers(LEAST_KEY, LARGEST_KEY), st.integers(0, 10**9))
def test_a_place_comes_back_from_its_cursor(reason: int, key: int, seen: int) -> None:
    place = Place(reason, key, seen)
    cursor = encode_position(NEWEST_FIRST, place.position)
    assert read_place(read_position(cursor, NEWEST_FIRST, int, Kind.TEXT), 4) == place


@pytest.mark.parametrize(
    "position",
    [
        Position(5, "0 0"),
        Position(1, None),
        Position(1, "0"),
        Position(1, "a b"),
        Position(1, "0 -1"),
        Position(1, f"{LARGEST_KEY + 1} 0"),
        Position(1, f"{LEAST_KEY - 1} 0"),
    ],
)
def test_a_cursor_made_by_hand_is_refused(position: Position) -> None:
    with pytest.raises(ValidationError) as caught:
        read_place(position, 4)
    assert list(caught.value.errors) == ["cursor"]


def test_the_place_behind_the_last_key_is_the_next_reason_and_then_none() -> None:
    assert Place(0, 5, 2).after(7, 2) == Place(0, 8, 2)
    assert Place(0, 5, 2).after(LARGEST_KEY, 2) == Place(1, LEAST_KEY, 2)
    assert Place(1, 5, 2).after(LARGEST_KEY, 2) is None
