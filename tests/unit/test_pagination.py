"""Pages and cursors."""

import base64
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drippulse.kit.errors import ValidationError
from drippulse.kit.filters import Kind
from drippulse.kit.pagination import MAX_PER_PAGE, Position, Sort, encode_cursor, order_by, page_request

SORTS = {"created_at": "w.id", "name": "lower(w.name)"}
TYPED = {"created_at": Sort("c.id", Kind.UUID), "title": Sort("c.title", Kind.TEXT)}


def test_without_parameters_the_list_is_whole() -> None:
    request = page_request(None, None, None, sorts=SORTS, full_limit=500)
    assert (request.limit, request.offset, request.paginated) == (500, 0, False)
    assert page_request(None, None, None, sorts=SORTS).fetch is None


@given(st.integers(1, 10_000), st.integers(1, MAX_PER_PAGE))
def test_pages_follow_each_other_without_gap(page: int, per_page: int) -> None:
    request = page_request(page, per_page, None, sorts=SORTS)
    following = page_request(page + 1, per_page, None, sorts=SORTS)
    assert request.limit == per_page
    assert request.offset + per_page == following.offset


@given(st.integers(1, 2**63 - 1))
def test_a_cursor_comes_back_as_the_position_it_stands_for(position: int) -> None:
    assert page_request(None, None, encode_cursor(position), sorts=SORTS).before_id == position


@given(st.uuids(), st.text(max_size=40) | st.none(), st.sampled_from(["title", "-title", "-created_at"]))
def test_a_cursor_of_any_order_comes_back(key: UUID, value: str | None, sort: str) -> None:
    request = page_request(None, None, "", sort=sort, sorts=TYPED, key=UUID)
    written = value if sort != "-created_at" else None
    assume("\x00" not in (written or ""))
    cursor = request.cursor_after(key, written)
    again = page_request(None, None, cursor, sort=sort, sorts=TYPED, key=UUID)
    assert again.after == Position(key, written)
    for other in {"title", "-title", "-created_at"} - {sort}:
        with pytest.raises(ValidationError):
            page_request(None, None, cursor, sort=other, sorts=TYPED, key=UUID)


@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@pytest.mark.parametrize(("sorts", "key"), [(SORTS, int), (TYPED, UUID)])
def test_any_text_is_a_cursor_or_refused(sorts: Any, key: type[int | UUID], text: str) -> None:
    error: ValidationError | None = None
    try:
        page_request(None, None, text, sorts=sorts, key=key)
    except ValidationError as caught:
        error = caught
    assert error is None or list(error.errors) == ["cursor"]


@pytest.mark.parametrize(
    ("page", "per_page", "cursor", "sort", "field"),
    [
        (0, None, None, None, "page"),
        (None, 201, None, None, "per_page"),
        (None, None, "", "name", "cursor"),
        (None, None, None, "-nmae", "sort"),
    ],
)
def test_out_of_range_is_named(
    page: int | None, per_page: int | None, cursor: str | None, sort: str | None, field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        page_request(page, per_page, cursor, sort=sort, sorts=SORTS)
    assert list(caught.value.errors) == [field]


def test_equal_rows_are_ordered_newest_first() -> None:
    assert order_by("-created_at", SORTS, "w.id") == "w.id DESC"
    assert order_by("name", SORTS, "w.id") == "lower(w.name) ASC NULLS LAST, w.id DESC"


def test_a_cursor_counts_more_than_a_page() -> None:
    request = page_request(3, None, encode_cursor(7), sorts=SORTS)
    assert (request.before_id, request.offset, request.page) == (7, 0, 1)
