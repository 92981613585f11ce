"""When sources run, which rows are new, and where pages and sheets are; without any database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.sources.items import items_of
from drippulse.data_sources.sources.sheets import export_url
from drippulse.data_sources.sources.values import columns_of_rows, value_at
from drippulse.data_sources.state import CursorType, cursor_text, next_run, read_cursor

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
SHEET = "1AbC-dEf_0123456789"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(MOMENTS, st.integers(1, 44_640))
def test_every_n_minutes_comes_after_now_and_within_n_minutes(now: datetime, minutes: int) -> None:
    found = next_run(None, minutes, "UTC", now)
    assert found is not None
    assert timedelta() < found - now <= timedelta(minutes=minutes)
    assert next_run(None, minutes, "UTC", found) == found + timedelta(minutes=minutes)


def test_cron_goes_by_the_clocks_of_its_time_zone() -> None:
    after = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert next_run("0 6 * * *", None, "Europe/Berlin", after) == datetime(2026, 7, 2, 4, tzinfo=UTC)


@given(MOMENTS)
def test_a_time_is_the_same_after_it_was_kept(moment: datetime) -> None:
    assert read_cursor(CursorType.TIMESTAMP, cursor_text(moment)) == moment


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (CursorType.NUMBER, "10", Decimal(10)),
        (CursorType.NUMBER, 9.5, Decimal("9.5")),
        (CursorType.TEXT, " b ", "b"),
        (CursorType.TIMESTAMP, "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        (CursorType.TIMESTAMP, "2026-01-01T02:00:00+02:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (CursorType.TIMESTAMP, "", None),
        (CursorType.NUMBER, None, None),
    ],
)
def test_cursors_are_compared_as_what_they_are(kind: CursorType, value: object, found: object) -> None:
    assert read_cursor(kind, value) == found


@pytest.mark.parametrize("value", ["NaN", "Infinity", "ten", "1,000"])
def test_what_is_no_number_is_no_cursor(value: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        read_cursor(CursorType.NUMBER, value)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        (
            f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=12",
            f"/spreadsheets/d/{SHEET}/export?format=csv&gid=12",
        ),
        (
            f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?gid=12#gid=12",
            f"/spreadsheets/d/{SHEET}/export?format=csv&gid=12",
        ),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}", f"/spreadsheets/d/{SHEET}/export?format=csv"),
        (
            f"https://docs.google.com/spreadsheets/d/e/{SHEET}/pubhtml?gid=3",
            f"/spreadsheets/d/e/{SHEET}/pub?output=csv&gid=3&single=true",
        ),
        (
            f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=1%26x",
            f"/spreadsheets/d/{SHEET}/export?format=csv",
        ),
        ("https://docs.google.com/document/d/1234567890123/edit", None),
        (f"https://docs.google.com.evil.example/spreadsheets/d/{SHEET}", None),
        ("https://[", None),
    ],
)
def test_a_sheets_link_becomes_that_of_its_csv(link: str, found: str | None) -> None:
    assert export_url(link) == (found and f"https://docs.google.com{found}")


def test_nested_rows_have_paths_for_columns() -> None:
    row = {"a": {"b": 1, "c": {"d": 2}}, "e.f": 3, "g": [{"h": 4}], "i": {}}
    assert columns_of_rows([row]) == ["a.b", "a.c.d", "e.f", "g", "i"]
    paths = ("a.b", "a.c.d", "e.f", "g.0.h", "g.1.h", "a.x", "e.g")
    assert [value_at(row, path) for path in paths] == [1, 2, 3, 4, None, None, None]


@given(JSON, st.text(max_size=8))
def test_any_document_has_a_list_or_a_sentence(document: object, path: str) -> None:
    told = told_of(document, path)
    assert told == "" or told.endswith(".")


def told_of(document: object, path: str) -> str:
    """What is said of a document without rows; nothing when it has a list."""
    try:
        items_of(document, path)
    except SourceError as error:
        return error.message
    return ""
